import { X509Certificate } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, sleep } from "../src/clock.ts";
import type { Log } from "../src/log.ts";
import { CurrentCertificate } from "./current.ts";
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

const DEFAULT_CHECK_MS = 10_000;
/** A change is often several events, and its files are not all there at the first one. */
const SETTLE_MS = 100;

/**
 * A certificate that somebody else renews (cert-manager). Watches the folder, not the files: a mounted Secret
 * changes by a new target of the link `..data`. File systems lose events, so it looks from time to time as well.
 */
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
    const { clock, checkMs = DEFAULT_CHECK_MS } = this.#options;
    const first = Promise.withResolvers<void>();
    const run = async () => {
      while (true) {
        await this.look();
        if (this.#current.has()) first.resolve();
        await sleep(clock, checkMs, signal);
      }
    };
    this.#watch(signal);
    run().catch((reason) => first.reject(reason));
    await first.promise;
  }

  /** Takes the files over if they belong together. */
  async look(): Promise<void> {
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

  #watch(signal: AbortSignal): void {
    const { folder, clock, log } = this.#options;
    let watcher: FSWatcher;
    let settling = false;
    try {
      watcher = watch(folder, { signal, persistent: false });
    } catch (error) {
      log.warn({ err: error, folder }, "The folder can't be watched; it is looked at from time to time");
      return;
    }
    watcher.on("error", (error) => log.warn({ err: error, folder }, "Watching the folder failed"));
    watcher.on("change", () => {
      if (settling) return;
      settling = true;
      clock.schedule(SETTLE_MS, () => {
        settling = false;
        if (!signal.aborted) void this.look();
      });
    });
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
