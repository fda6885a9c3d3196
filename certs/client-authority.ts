import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../src/clock.ts";
import type { Log } from "../src/log.ts";
import { followFolder } from "./follow-folder.ts";
import { oneAtATime } from "./one-at-a-time.ts";

export interface ClientAuthorityOptions {
  /** File with the authorities (PEM) whose client certificates may post reviews. */
  path: string;
  clock: Clock;
  log: Log;
  /** Pause between two looks, milliseconds; default 10_000. Events make most changes known at once. */
  checkMs?: number;
}

/** Who may post reviews, from a file that may change: one that can't be used is refused, the last good one kept. */
export class ClientAuthority {
  readonly #options: ClientAuthorityOptions;
  readonly #listeners = new Set<() => void>();
  #pem = "";
  #lastProblem = "";

  constructor(options: ClientAuthorityOptions) {
    this.#options = options;
  }

  /** PEM; only after start() has resolved. */
  current(): string {
    return this.#pem;
  }

  /** Calls `listener` whenever current() has become another one. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Resolves when the file was read, and follows it until the signal is aborted. Rejects with an error that names the
   * file where it can't be used at the beginning: a check that silently does nothing would be worse than none.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { path } = this.#options;
    this.#pem = await readClientAuthority(path);
    followFolder({ ...this.#options, folder: dirname(path), look: this.look }, signal).catch(() => {});
  }

  /** Takes the file over if it can be used. */
  readonly look = oneAtATime(() => this.#look());

  async #look(): Promise<void> {
    const { path, log } = this.#options;
    try {
      const pem = await readClientAuthority(path);
      this.#lastProblem = "";
      if (pem === this.#pem) return;
      this.#pem = pem;
    } catch (error) {
      const problem = String(error instanceof Error ? error.cause : error);
      if (problem === this.#lastProblem) return;
      this.#lastProblem = problem;
      log.error({ err: error, path }, "The client authority is unusable; the last good one stays");
      return;
    }
    log.info({ path }, "Reviews are taken from clients of another authority");
    for (const listener of this.#listeners) listener();
  }
}

async function readClientAuthority(path: string): Promise<string> {
  try {
    const pem = await readFile(path, "utf8");
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new Error(`the client authority ${path} can't be used`, { cause: error });
  }
}
