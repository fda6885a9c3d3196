import assert from "node:assert/strict";
import { test } from "node:test";
import { inserted, removed } from "../../src/claims/lists.ts";

const numbers = (length: number) => Array.from({ length }, (_, n) => n);

test("an item is put in and taken out at its index, in lists of any length", () => {
  for (let length = 0; length <= 20; length++) {
    for (let index = 0; index <= length; index++) {
      const more = [...numbers(index), -1, ...numbers(length).slice(index)];
      assert.deepEqual(inserted(numbers(length), index, -1), more);
      assert.deepEqual(removed(more, index), numbers(length));
    }
  }
});

test("a short list is made anew at its exact length, a longer one is changed where it is", () => {
  for (const length of [0, 1, 7, 8, 9, 100]) {
    const short = numbers(length);
    assert.equal(inserted(short, length, -1) === short, length >= 8, `one more than ${length}`);
    const long = numbers(length + 1);
    assert.equal(removed(long, 0) === long, length >= 8, `one less than ${length + 1}`);
  }
});
