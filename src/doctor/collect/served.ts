import { isIP } from "node:net";
import { connect } from "node:tls";
import { type Clock, sleep } from "../../clock.ts";
import type { CertificateFacts } from "../snapshot.ts";

const PATIENCE_MS = 5_000;

/**
 * The certificate that a server shows at a URL, whoever signed it: whether it can be trusted is judged by the
 * caBundle. Resolves with the reason in words where no server answers.
 */
export async function readServed(url: string, clock: Clock): Promise<CertificateFacts | string> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const socket = connect({
    host,
    port: Number(port || "443"),
    rejectUnauthorized: false,
    ...(isIP(host) === 0 && { servername: host }),
  });
  const answered = new Promise<CertificateFacts | string>((resolve) => {
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerX509Certificate();
      resolve({ source: url, certPem: certificate?.toString() ?? "", problem: "" });
    });
    socket.once("error", (error) => resolve(error.message));
  });
  const end = new AbortController();
  const late = sleep(clock, PATIENCE_MS, end.signal).then(
    () => `no answer within ${PATIENCE_MS / 1000} s`,
    () => "",
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    end.abort();
    socket.destroy();
  }
}
