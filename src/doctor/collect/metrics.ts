import { readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { text } from "node:stream/consumers";
import { checkServerIdentity } from "node:tls";
import { type Clock, sleep } from "../../clock.ts";
import type { Config } from "../../config.ts";
import type { Reading, ReplicaMetrics } from "../snapshot.ts";

const PATIENCE_MS = 5_000;

/** What proves that a replica is one: whatever way leads to it (a forwarded port), it has the service's certificate. */
export interface Trust {
  /** "": the authorities that this machine trusts. */
  readonly caPem: string;
  /** A DNS name or an address that its certificate covers. */
  readonly serverName: string;
}

/**
 * /metrics of each replica that a URL was given for, all at the same time. What can't be read is noted, the token
 * file as well; never rejects.
 */
export async function readMetrics(
  { metricsUrls, metricsTokenFile }: Pick<Config, "metricsUrls" | "metricsTokenFile">,
  clock: Clock,
  trust: Trust,
): Promise<ReplicaMetrics[]> {
  const token: Reading<string> =
    metricsTokenFile === "" ? { ok: true, value: "" } : await inWords(readFile(metricsTokenFile, "utf8"));
  return Promise.all(
    metricsUrls.map(async (url) => {
      if (!token.ok) return { url, page: token };
      return { url, page: await inWords(readPage(url, token.value.trim(), trust, clock)) };
    }),
  );
}

async function inWords(read: Promise<string>): Promise<Reading<string>> {
  try {
    return { ok: true, value: await read };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

async function readPage(
  base: string,
  token: string,
  { caPem, serverName }: Trust,
  clock: Clock,
): Promise<string> {
  const url = new URL("/metrics", base);
  const end = new AbortController();
  const { signal } = end;
  const late = sleep(clock, PATIENCE_MS, signal).then(() => {
    throw new Error(`no answer within ${PATIENCE_MS / 1000} s`);
  });
  const page = new Promise<string>((resolve, reject) => {
    const secured = {
      signal,
      ...(caPem !== "" && { ca: caPem }),
      ...(isIP(serverName) === 0 && { servername: serverName }),
      checkServerIdentity: (_host: string, peer: Parameters<typeof checkServerIdentity>[1]) =>
        checkServerIdentity(serverName, peer),
      // Whoever listens on an open line could use it.
      ...(token !== "" && { headers: { authorization: `Bearer ${token}` } }),
    };
    const asking = url.protocol === "https:" ? httpsRequest(url, secured) : httpRequest(url, { signal });
    asking
      .once("error", reject)
      .once("response", (answer) => {
        if (answer.statusCode === 200) return void text(answer).then(resolve, reject);
        answer.resume();
        reject(new Error(refusal(answer.statusCode ?? 0)));
      })
      .end();
  });
  try {
    return await Promise.race([page, late]);
  } finally {
    end.abort();
    // Whichever lost the race ends with the abort.
    await Promise.allSettled([page, late]);
  }
}

function refusal(status: number): string {
  const said = `the replica answered ${status}`;
  return status === 401 || status === 403
    ? `${said}; --metrics-token-file names a token that may read metrics`
    : said;
}
