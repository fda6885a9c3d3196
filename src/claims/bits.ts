/**
 * Sets of small numbers as bits, 32 a word. A row keeps only words that are not empty, as pairs of word number and
 * bits in ascending order: a relation between thousands of kinds and thousands of classes then costs memory only for
 * what is related, never more than half a byte a possible pair, and searches go through it 32 at a time.
 */
import { inserted, removed } from "./lists.ts";

export type BitRow = readonly number[];

export const NO_BITS: BitRow = [];

export const BITS_A_WORD = 32;

/** The index in `row` at which the pair of `word` is, or would be inserted. */
function pairIndex(row: BitRow, word: number): number {
  let low = 0;
  let high = row.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (row[2 * middle]! < word) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}

/** The row with one bit more; the one that is handed in must not be used again. */
export function setBit(row: BitRow, bit: number): BitRow {
  const word = bit >> 5;
  const at = pairIndex(row, word);
  if (row[at] !== word) return inserted(inserted(row, at, 1 << (bit & 31)), at, word);
  (row as number[])[at + 1]! |= 1 << (bit & 31);
  return row;
}

/** The row with one bit fewer; the one that is handed in must not be used again. */
export function clearBit(row: BitRow, bit: number): BitRow {
  const word = bit >> 5;
  const at = pairIndex(row, word);
  if (row[at] !== word) return row;
  (row as number[])[at + 1]! &= ~(1 << (bit & 31));
  return row[at + 1] === 0 ? removed(removed(row, at), at) : row;
}

/** The number of the lowest bit of `bits`, which are not all zero. */
export function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

export function* bitsOf(row: BitRow): Generator<number> {
  for (let at = 0; at < row.length; at += 2) {
    for (let bits = row[at + 1]!; bits !== 0; bits &= bits - 1) {
      yield row[at]! * BITS_A_WORD + lowestBit(bits);
    }
  }
}

/** The row of the numbers below `limit` in a dense set. */
export function rowOf(words: Int32Array, limit: number): BitRow {
  const row: number[] = [];
  for (let word = 0; word * BITS_A_WORD < limit; word++) if (words[word] !== 0) row.push(word, words[word]!);
  return row;
}

/** Adds the numbers of a row to a dense set that has room for them. */
export function addRow(words: Int32Array, row: BitRow): void {
  for (let at = 0; at < row.length; at += 2) words[row[at]!]! |= row[at + 1]!;
}

/** A dense set that one search fills and the next one clears. */
export class ScratchBits {
  words = new Int32Array(8);

  /** Empties it and makes room for the numbers below `limit`. */
  reset(limit: number): Int32Array {
    const used = (limit + 31) >> 5;
    if (used > this.words.length) this.words = new Int32Array(2 * used);
    else this.words.fill(0, 0, used);
    return this.words;
  }
}
