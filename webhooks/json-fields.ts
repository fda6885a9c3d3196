/**
 * Reads chosen fields out of a JSON text. A review carries its host twice, mostly inventory and traces of writers
 * that no verdict reads: to check such text is cheap, to build objects of it is not.
 *
 * As strict as JSON.parse: it refuses every text that JSON.parse refuses, for what is left out too, and no other;
 * the last of equal keys counts. test/webhooks/json-fields.test.ts holds it against JSON.parse.
 */
import { deepFreeze } from "../src/kube/deep-freeze.ts";
import { afterSpace, endOfString, endOfValue, fail } from "./json-syntax.ts";

/**
 * "whole": the value as JSON.parse makes it. "repeated": the same, and where the text of an object comes again the very
 * same frozen object, unless it is long. Else the fields to keep of an object; what is none is kept whole.
 */
export type Selection = "whole" | "repeated" | { readonly [key: string]: Selection };

/** A selection as the reader wants it: keys as bytes, `null` for "whole". */
export interface Fields {
  readonly keys: readonly string[];
  readonly bytes: readonly Uint8Array[];
  readonly below: readonly (Fields | RepeatedObjects | null)[];
}

export function select(selection: Exclude<Selection, string>): Fields {
  const keys = Object.keys(selection);
  return {
    keys,
    bytes: keys.map((key) => Buffer.from(key)),
    below: keys.map((key) => {
      const below = selection[key]!;
      if (below === "repeated") return new RepeatedObjects();
      return below === "whole" ? null : select(below);
    }),
  };
}

/** @throws SyntaxError for a text that is not JSON */
export function readFields(text: Buffer, fields: Fields): unknown {
  const reader = new Reader(text);
  const value = reader.value(fields);
  reader.end();
  return value;
}

const [QUOTE, COMMA, COLON, BACKSLASH, OPEN_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  34, 44, 58, 92, 91, 123, 125,
] as const;

/** Below this, comparing with a text that was read before costs more than reading. */
const WORTH_REMEMBERING_BYTES = 96;
/** A review has at most a handful of such texts; a forged one with thousands must not make them quadratic. */
const REMEMBERED = 8;

/** As many writers as most clusters have, and no text that costs much to keep or to compare. */
const REPEATED = 4;
const REPEATED_BYTES = 4_096;

/** The last objects that were read in one place, by their texts. */
class RepeatedObjects {
  readonly #known: { text: Buffer; value: unknown }[] = [];
  #oldest = 0;

  /** The object whose text begins at `start`. @throws SyntaxError */
  read(text: Buffer, start: number): { value: unknown; end: number } {
    for (const known of this.#known) {
      const end = start + known.text.length;
      // An object ends where its brackets close, so nothing that begins like this one goes on.
      if (end <= text.length && text.compare(known.text, 0, known.text.length, start, end) === 0)
        return { value: known.value, end };
    }
    const end = endOfValue(text, start);
    const value: unknown = JSON.parse(text.toString("utf8", start, end));
    if (end - start <= REPEATED_BYTES) {
      // A text that is this short does not go deep.
      deepFreeze(value);
      this.#known[this.#oldest] = { text: Buffer.from(text.subarray(start, end)), value };
      this.#oldest = (this.#oldest + 1) % REPEATED;
    }
    return { value, end };
  }
}

class Reader {
  readonly #text: Buffer;
  #at = 0;
  /** Begin and end of large values that were left out. The old object repeats most of the new one's. */
  readonly #checked: number[] = [];

  constructor(text: Buffer) {
    this.#text = text;
  }

  /** The value that comes next. */
  value(fields: Fields | RepeatedObjects | null): unknown {
    const text = this.#text;
    const start = afterSpace(text, this.#at);
    const first = text[start];
    if (first === OPEN_OBJECT && fields !== null) {
      if (!(fields instanceof RepeatedObjects)) return this.#object(fields, start + 1);
      const { value, end } = fields.read(text, start);
      this.#at = end;
      return value;
    }
    const end = endOfValue(text, start);
    this.#at = end;
    return first === QUOTE ? textBetween(text, start, end) : JSON.parse(text.toString("utf8", start, end));
  }

  /** Nothing but white space is left. */
  end(): void {
    const end = afterSpace(this.#text, this.#at);
    if (end !== this.#text.length) fail(end);
  }

  #object(fields: Fields, start: number): Record<string, unknown> {
    const text = this.#text;
    const found: Record<string, unknown> = {};
    let at = afterSpace(text, start);
    if (text[at] === CLOSE_OBJECT) {
      this.#at = at + 1;
      return found;
    }
    for (;;) {
      at = afterSpace(text, at);
      const end = endOfString(text, at);
      const index = indexOf(fields, text, at, end);
      at = afterSpace(text, end);
      if (text[at] !== COLON) fail(at);
      this.#at = at + 1;
      if (index < 0) this.#leaveOut();
      else found[fields.keys[index]!] = this.value(fields.below[index]!);
      at = afterSpace(text, this.#at);
      if (text[at] === CLOSE_OBJECT) break;
      if (text[at] !== COMMA) fail(at);
      at++;
    }
    this.#at = at + 1;
    return found;
  }

  /**
   * A list or an object ends where its brackets close, so a text that begins with one that was checked already
   * is that one again, and needs no second look.
   */
  #leaveOut(): void {
    const text = this.#text;
    const checked = this.#checked;
    const start = afterSpace(text, this.#at);
    const nests = text[start] === OPEN_OBJECT || text[start] === OPEN_LIST;
    for (let index = 0; nests && index < checked.length; index += 2) {
      const [from, to] = [checked[index]!, checked[index + 1]!];
      const end = start + to - from;
      if (
        end <= text.length &&
        text[end - 1] === text[to - 1] &&
        text.compare(text, from, to, start, end) === 0
      ) {
        this.#at = end;
        return;
      }
    }
    const end = endOfValue(text, start);
    if (nests && end - start >= WORTH_REMEMBERING_BYTES && checked.length < 2 * REMEMBERED)
      checked.push(start, end);
    this.#at = end;
  }
}

/** Which of the wanted keys the string from `start` to `end` is, quotes included, or -1. */
function indexOf({ bytes, keys }: Fields, text: Buffer, start: number, end: number): number {
  const length = end - start - 2;
  search: for (let index = 0; index < bytes.length; index++) {
    const key = bytes[index]!;
    if (key.length !== length) continue;
    for (let at = 0; at < length; at++) if (key[at] !== text[start + 1 + at]) continue search;
    return index;
  }
  return isPlain(text, start, end) ? -1 : keys.indexOf(textBetween(text, start, end));
}

/** The string from `start` to `end`, quotes included. */
function textBetween(text: Buffer, start: number, end: number): string {
  return isPlain(text, start, end)
    ? text.toString("latin1", start + 1, end - 1)
    : JSON.parse(text.toString("utf8", start, end));
}

/** Neither an escape nor more than ASCII. */
function isPlain(text: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text[at]! > 0x7f || text[at] === BACKSLASH) return false;
  return true;
}
