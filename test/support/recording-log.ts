import type { Log } from "../../src/log.ts";

interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps what was logged, children's lines too, for a test to look at. */
export class RecordingLog implements Log {
  readonly lines: Line[];
  readonly #base: Record<string, unknown>;

  constructor(lines: Line[] = [], base: Record<string, unknown> = {}) {
    this.lines = lines;
    this.#base = base;
  }

  debug = (fields: object, message: string) => this.#add("debug", fields, message);
  info = (fields: object, message: string) => this.#add("info", fields, message);
  warn = (fields: object, message: string) => this.#add("warn", fields, message);
  error = (fields: object, message: string) => this.#add("error", fields, message);

  child(fields: Record<string, unknown>): Log {
    return new RecordingLog(this.lines, { ...this.#base, ...fields });
  }

  isLevelEnabled(): boolean {
    return true;
  }

  count(message: string): number {
    return this.lines.filter((line) => line.message === message).length;
  }

  /** Of the first line with this message; empty when there is none. */
  fields(message: string): Readonly<Record<string, unknown>> {
    return this.lines.find((line) => line.message === message)?.fields ?? {};
  }

  #add(level: Line["level"], fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...this.#base, ...fields } });
  }
}
