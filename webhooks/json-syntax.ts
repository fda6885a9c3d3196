/**
 * The grammar of JSON (RFC 8259) over UTF-8, exactly as JSON.parse has it: where a value ends, or that it is none.
 * Bytes above ASCII only occur in strings and need no look, since decoding never takes a quote for a part of them.
 */

const [TAB, LINE_FEED, RETURN, SPACE, QUOTE, PLUS, COMMA, MINUS, DOT] = [
  9, 10, 13, 32, 34, 43, 44, 45, 46,
] as const;
const [ZERO, NINE, COLON, BACKSLASH, OPEN_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  48, 57, 58, 92, 91, 123, 125,
] as const;
const [UPPER_E, LOWER_E, LOWER_U] = [69, 101, 117] as const;

/** 1: ends a run of plain characters in a string, as its end, as an escape or as a control character. */
const STOPS = tableOf((byte) => byte === QUOTE || byte === BACKSLASH || byte < SPACE);
const ESCAPED = tableOf((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)));
const HEX_DIGITS = tableOf((byte) => /[0-9a-f]/i.test(String.fromCharCode(byte)));
const WORDS = ["true", "false", "null"].map((word) => Buffer.from(word));

function tableOf(isIn: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isIn(byte) ? 1 : 0));
}

/** @throws SyntaxError always */
export function fail(at: number): never {
  throw new SyntaxError(`not JSON at byte ${at}`);
}

export function afterSpace(text: Uint8Array, start: number): number {
  let at = start;
  while (at < text.length) {
    const byte = text[at]!;
    if (byte > SPACE || (byte !== SPACE && byte !== LINE_FEED && byte !== RETURN && byte !== TAB)) break;
    at++;
  }
  return at;
}

/**
 * Past the value that begins at `start`. A loop, not recursion: JSON.parse takes any depth, and so must this.
 * @throws SyntaxError
 */
export function endOfValue(text: Uint8Array, start: number): number {
  /** The closing brackets that are due. */
  const due: number[] = [];
  let at = start;
  for (;;) {
    const first = at < text.length ? text[at]! : 0;
    if (first === QUOTE) at = endOfString(text, at);
    else if (first === OPEN_OBJECT || first === OPEN_LIST) {
      const close = first + 2;
      at = afterSpace(text, at + 1);
      if (text[at] === close) at++;
      else {
        due.push(close);
        if (close === CLOSE_OBJECT) at = startOfMember(text, at);
        continue;
      }
    } else if (first === MINUS || (first >= ZERO && first <= NINE)) at = endOfNumber(text, at);
    else at = endOfWord(text, at);

    for (;;) {
      if (due.length === 0) return at;
      at = afterSpace(text, at);
      const close = due[due.length - 1]!;
      const next = at < text.length ? text[at]! : 0;
      if (next === COMMA) {
        at = afterSpace(text, at + 1);
        if (close === CLOSE_OBJECT) at = startOfMember(text, at);
        break;
      }
      if (next !== close) fail(at);
      due.pop();
      at++;
    }
  }
}

/** From the key of a member to its value. */
function startOfMember(text: Uint8Array, start: number): number {
  const at = afterSpace(text, endOfString(text, start));
  if (text[at] !== COLON) fail(at);
  return afterSpace(text, at + 1);
}

/** Past the closing quote of the string that begins at `start`. @throws SyntaxError */
export function endOfString(text: Uint8Array, start: number): number {
  const end = text.length;
  if (start >= end || text[start] !== QUOTE) fail(start);
  let at = start + 1;
  for (;;) {
    while (at < end && STOPS[text[at]!] === 0) at++;
    if (at >= end) fail(at);
    if (text[at] === QUOTE) return at + 1;
    if (text[at] !== BACKSLASH) fail(at);
    at = endOfEscape(text, at + 1);
  }
}

function endOfEscape(text: Uint8Array, start: number): number {
  const byte = text[start];
  if (byte === LOWER_U) {
    for (let at = start + 1; at <= start + 4; at++) if (HEX_DIGITS[text[at] ?? 0] === 0) fail(at);
    return start + 5;
  }
  if (ESCAPED[byte ?? 0] === 0) fail(start);
  return start + 1;
}

function endOfWord(text: Uint8Array, start: number): number {
  const word = WORDS.find((candidate) => candidate[0] === text[start]);
  if (word === undefined) fail(start);
  for (let at = 0; at < word.length; at++) if (text[start + at] !== word[at]) fail(start + at);
  return start + word.length;
}

function endOfNumber(text: Uint8Array, start: number): number {
  let at = text[start] === MINUS ? start + 1 : start;
  at = text[at] === ZERO ? at + 1 : endOfDigits(text, at);
  if (text[at] === DOT) at = endOfDigits(text, at + 1);
  if (text[at] === LOWER_E || text[at] === UPPER_E) {
    const isSigned = text[at + 1] === PLUS || text[at + 1] === MINUS;
    at = endOfDigits(text, at + (isSigned ? 2 : 1));
  }
  return at;
}

function endOfDigits(text: Uint8Array, start: number): number {
  let at = start;
  while (at < text.length && text[at]! >= ZERO && text[at]! <= NINE) at++;
  if (at === start) fail(at);
  return at;
}
