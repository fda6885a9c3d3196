import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addRow,
  type BitRow,
  bitsOf,
  clearBit,
  NO_BITS,
  rowOf,
  ScratchBits,
  setBit,
} from "../../src/claims/bits.ts";
import { Random } from "./random.ts";

test("a row is the set of the numbers that were set and not cleared, in order", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    let row: BitRow = NO_BITS;
    const set = new Set<number>();
    for (let n = 0; n < 60; n++) {
      const bit = random.below(400);
      if (random.chance(0.6)) {
        row = setBit(row, bit);
        set.add(bit);
      } else {
        row = clearBit(row, bit);
        set.delete(bit);
      }
    }
    assert.deepEqual(
      [...bitsOf(row)],
      [...set].sort((a, b) => a - b),
      `seed ${seed}`,
    );
    for (const bit of set) row = clearBit(row, bit);
    assert.deepEqual(row, [], "an empty row takes no room");
  }
});

test("rows add up in a dense set, which has room for as many numbers as it was told of, and is empty again then", () => {
  const scratch = new ScratchBits();
  for (const limit of [10, 300, 257, 4_000, 31, 32, 33]) {
    const words = scratch.reset(limit);
    assert.deepEqual(rowOf(words, limit), [], `nothing is left of earlier ones below ${limit}`);
    addRow(words, setBit(NO_BITS, limit - 1));
    addRow(words, setBit(setBit(NO_BITS, 0), limit - 1));
    assert.deepEqual([...bitsOf(rowOf(words, limit))], [0, limit - 1]);
  }
});

test("adding a row to a dense set writes the words of the row and nothing else", () => {
  const words = new Int32Array(3);
  addRow(words, setBit(setBit(NO_BITS, 1), 69));
  assert.deepEqual(words, Int32Array.of(2, 0, 32));
});

test("a scratch set is made anew only when it is too small", () => {
  const scratch = new ScratchBits();
  const first = scratch.reset(10);
  assert.equal(scratch.reset(32 * first.length), first);
  const larger = scratch.reset(32 * first.length + 1);
  assert.notEqual(larger, first);
  assert.equal(scratch.reset(10), larger);
});
