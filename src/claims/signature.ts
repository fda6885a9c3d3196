/**
 * What labels a host may have, as a few bits: a look at these mostly spares one at the labels themselves, which lie
 * elsewhere in memory. A set bit proves nothing; a bit that is not set proves that the label is not there.
 */
import type { Host } from "./claim.ts";

/** As many bits as a number may have that needs no memory of its own. */
const BITS = 31;

/** The bit of a label, or of a label with this value. */
export function labelBit(key: string, value: string | null): number {
  const hash = value === null ? hashOf(key) : 31 * hashOf(key) + hashOf(value) + 7;
  return 1 << (hash % BITS);
}

export function signatureOf({ labels }: Host): number {
  let bits = 0;
  for (const key in labels) bits |= labelBit(key, null) | labelBit(key, labels[key]!);
  return bits;
}

/** Of length, beginning, middle and end alone: numbered names differ there. Not negative, below 2^20. */
function hashOf(text: string): number {
  const { length } = text;
  if (length === 0) return 0;
  return (
    (length * 7 +
      text.charCodeAt(0) * 3 +
      text.charCodeAt(length >> 1) * 5 +
      text.charCodeAt(length - 1) * 11 +
      (length > 1 ? text.charCodeAt(length - 2) * 13 : 0)) &
    0xfffff
  );
}
