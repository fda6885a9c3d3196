import { AssertionError } from "node:assert/strict";
import type { Log } from "../../src/log.ts";

/**
 * What happened, as a running hash: two runs are the same run exactly when their hashes are. With a printer it is
 * also shown, line by line.
 */
export class Trace {
  #hash = 0x811c9dc5;
  readonly #print: ((line: string) => void) | null;

  constructor(print: ((line: string) => void) | null = null) {
    this.#print = print;
  }

  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }

  note(atMs: number, who: string, what: string): void {
    const line = `${atMs.toFixed(3).padStart(11)} ${who.padEnd(13)} ${what}`;
    let hash = this.#hash;
    for (let at = 0; at < line.length; at++) hash = Math.imul(hash ^ line.charCodeAt(at), 0x01000193) >>> 0;
    this.#hash = hash;
    this.#print?.(line);
  }
}

/** Warnings and errors of a process as lines of the trace; a programming error among them is told apart. */
export function traceLog(note: (what: string) => void, mistake: (what: string) => void): Log {
  const tell = (fields: object, message: string) => {
    const { err } = fields as { err?: unknown };
    const what = err instanceof Error ? `${message}: ${err.message}` : message;
    note(what);
    if (MISTAKES.some((kind) => err instanceof kind)) mistake(`${what}\n${(err as Error).stack}`);
  };
  const log: Log = {
    isLevelEnabled: (level) => level === "warn" || level === "error",
    debug() {},
    info() {},
    warn: tell,
    error: tell,
    child: () => log,
  };
  return log;
}

const MISTAKES = [TypeError, RangeError, ReferenceError, AssertionError];
