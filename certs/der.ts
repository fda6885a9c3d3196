import assert from "node:assert/strict";

/**
 * The part of DER (ITU-T X.690) that a certificate needs: definite lengths, each value in its one canonical form.
 */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: tag, length, content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...encodeLength(body.length)]), body]);
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export const sequence = (...content: readonly Uint8Array[]) => element(TAG.sequence, ...content);
export const set = (...content: readonly Uint8Array[]) => element(TAG.set, ...content);
export const octetString = (content: Uint8Array) => element(TAG.octetString, content);
export const utf8String = (text: string) => element(TAG.utf8String, Buffer.from(text, "utf8"));
export const boolean = (value: boolean) => element(TAG.boolean, Buffer.from([value ? 0xff : 0x00]));

/** An integer that is not negative, from its big-endian bytes; leading zeros are dropped or added as DER asks. */
export function unsignedInteger(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const significant = Buffer.from(bytes.subarray(start));
  const signWouldShow = significant.length === 0 || (significant[0]! & 0x80) !== 0;
  return element(TAG.integer, signWouldShow ? Buffer.from([0]) : Buffer.alloc(0), significant);
}

/** A string of bits. `unusedBits`, 0 to 7: how many of the last byte's low bits don't count. */
export function bitString(content: Uint8Array, unusedBits = 0): Buffer {
  return element(TAG.bitString, Buffer.from([unusedBits]), content);
}

/** From the dotted form: "2.5.29.15". */
export function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  assert(
    first !== undefined && second !== undefined && rest.every(Number.isSafeInteger),
    `not an OID: ${dotted}`,
  );
  return element(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
    bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}

/** Whole seconds, UTC; the type that RFC 5280 4.1.2.5 asks for: UTCTime until 2049, GeneralizedTime from 2050. */
export function time(epochMs: number): Buffer {
  const digits = new Date(epochMs)
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/\D/g, "");
  const year = Number(digits.slice(0, 4));
  return year >= 1950 && year < 2050
    ? element(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`, "ascii"))
    : element(TAG.generalizedTime, Buffer.from(`${digits}Z`, "ascii"));
}

/** [n] EXPLICIT: wraps a whole element. */
export const explicit = (n: number, content: Uint8Array) => element(0xa0 | n, content);
/** [n] IMPLICIT of a primitive type: replaces its tag. */
export const implicit = (n: number, content: Uint8Array) => element(0x80 | n, content);

/** The elements that `content` consists of, each with its tag and length still on it. Throws on anything else. */
export function splitElements(content: Uint8Array): { tag: number; whole: Buffer; body: Buffer }[] {
  const bytes = Buffer.from(content);
  const elements = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    const short = bytes.readUInt8(at + 1);
    const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
    const length = lengthBytes === 0 ? short : bytes.readUIntBE(at + 2, lengthBytes);
    const bodyAt = at + 2 + lengthBytes;
    const end = bodyAt + length;
    if (end > bytes.length) throw new RangeError("DER element runs past its end");
    elements.push({ tag, whole: bytes.subarray(at, end), body: bytes.subarray(bodyAt, end) });
    at = end;
  }
  return elements;
}
