/**
 * Sets of small numbers as bits, 32 a word. A row keeps only words that are not empty, as pairs of word number and
 * bits in ascending order: a relation between thousands of kinds and thousands of classes then costs memory only for
 * what is related, never more than half a byte a possible pair, and searches go through it 32 at a time.
 */
export type BitRow = number[];

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

export function setBit(row: BitRow, bit: number): void {
  const word = bit >> 5;
  const at = pairIndex(row, word);
  if (row[at] === word) row[at + 1]! |= 1 << (bit & 31);
  else row.splice(at, 0, word, 1 << (bit & 31));
}

export function clearBit(row: BitRow, bit: number): void {
  const word = bit >> 5;
  const at = pairIndex(row, word);
  if (row[at] !== word) return;
  row[at + 1]! &= ~(1 << (bit & 31));
  if (row[at + 1] === 0) row.splice(at, 2);
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
