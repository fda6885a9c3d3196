import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SharedReads } from "../../src/stateless/shared-reads.ts";

/** Reads that end when the test says so. */
function setUp() {
  const begun: { key: string; end: PromiseWithResolvers<number> }[] = [];
  const reads = new SharedReads((key) => {
    const end = Promise.withResolvers<number>();
    begun.push({ key, end });
    return end.promise;
  });
  return { reads, begun };
}

describe("shared reads", () => {
  test("who asks while a read is under way waits for the next one, which all who came meanwhile share", async () => {
    const { reads, begun } = setUp();
    const first = reads.after("a");
    const later = [reads.after("a"), reads.after("a")];
    assert.equal(begun.length, 1);
    begun[0]!.end.resolve(1);
    assert.equal(await first, 1);
    assert.equal(begun.length, 2, "begun after they had asked");
    begun[1]!.end.resolve(2);
    assert.deepEqual(await Promise.all(later), [2, 2]);
    assert.equal(begun.length, 2);
  });

  test("a result is never given to somebody who asks after it came", async () => {
    const { reads, begun } = setUp();
    const first = reads.after("a");
    begun[0]!.end.resolve(1);
    await first;
    void reads.after("a");
    assert.equal(begun.length, 2);
  });

  test("a read that fails fails only those who waited for it", async () => {
    const { reads, begun } = setUp();
    const first = reads.after("a");
    const second = reads.after("a");
    begun[0]!.end.reject(new Error("away"));
    await assert.rejects(first, /away/);
    begun[1]!.end.resolve(2);
    assert.equal(await second, 2);
  });

  test("what is asked of one key does not wait for another's", async () => {
    const { reads, begun } = setUp();
    void reads.after("a");
    const other = reads.after("b");
    assert.deepEqual(
      begun.map(({ key }) => key),
      ["a", "b"],
    );
    begun[1]!.end.resolve(2);
    assert.equal(await other, 2);
  });
});
