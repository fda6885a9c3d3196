import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../src/clock.ts";
import type { Log } from "../src/log.ts";
import { CurrentCertificate } from "./current.ts";
import { followFolder } from "./follow-folder.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { pairProblem } from "./policy.ts";
import type { CertificateSource, ServingCertificate } from "./source.ts";

export interface CertificateFilesOptions {
  /** Folder with tls.crt, tls.key and, where the authority is known, ca.crt, as a mounted Secret has them. */
  folder: string;
  clock: Clock;
  log: Log;
  /** Pause between two looks, milliseconds; default 10_000. Events make most changes known at once. */
  checkMs?: number;
  /** Files that can't be used; the last good ones are kept. Called once per problem. */
  onRefused?(problem: string): void;
}

/** A certificate that somebody else renews (cert-manager). */
export class CertificateFiles implements CertificateSource {
  readonly #options: CertificateFilesOptions;
  readonly #current = new CurrentCertificate();
  #lastProblem = "";

  constructor(options: CertificateFilesOptions) {
    this.#options = options;
  }

  current(): ServingCertificate {
    return this.#current.get();
  }

  onChange(listener: (certificate: ServingCertificate) => void): () => void {
    return this.#current.subscribe(listener);
  }

  async start(signal: AbortSignal): Promise<void> {
    const first = Promise.withResolvers<void>();
    const look = async () => {
      await this.look();
      if (this.#current.has()) first.resolve();
    };
    followFolder({ ...this.#options, look }, signal).catch((reason) => first.reject(reason));
    await first.promise;
  }

  /** Takes the files over if they belong together. */
  readonly look = oneAtATime(() => this.#look());

  async #look(): Promise<void> {
    const { folder, log, onRefused } = this.#options;
    const read = await readPair(folder);
    if ("problem" in read) {
      if (read.problem === this.#lastProblem) return;
      this.#lastProblem = read.problem;
      log.error({ folder, problem: read.problem }, "The certificate files are unusable");
      onRefused?.(read.problem);
      return;
    }
    this.#lastProblem = "";
    if (this.#current.set(read)) {
      log.info(
        { folder, notAfter: new Date(read.notAfterMs).toISOString() },
        "Serving the certificate files",
      );
    }
  }
}

async function readPair(folder: string): Promise<ServingCertificate | { problem: string }> {
  try {
    const [certPem, keyPem, caPem] = await Promise.all([
      readFile(join(folder, "tls.crt"), "utf8"),
      readFile(join(folder, "tls.key"), "utf8"),
      readFile(join(folder, "ca.crt"), "utf8").catch(absent),
    ]);
    const problem = pairProblem({ certPem, keyPem }) ?? authorityProblem(caPem);
    if (problem !== undefined) return { problem };
    return { certPem, keyPem, caPem, notAfterMs: new X509Certificate(certPem).validToDate.getTime() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function absent(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "";
  throw error;
}

function authorityProblem(caPem: string): string | undefined {
  if (caPem.trim() === "") return undefined;
  try {
    new X509Certificate(caPem);
    return undefined;
  } catch {
    return "ca.crt holds no certificate";
  }
}
