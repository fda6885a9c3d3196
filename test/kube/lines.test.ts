import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { LineSplitter } from "../../src/kube/lines.ts";

it("gives the same lines, however their bytes are cut", () => {
  const line = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\n", ""));
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), fc.array(fc.nat(7)), (lines, ended, cuts) => {
      const bytes = Buffer.from(lines.join("\n") + (ended ? "\n" : ""));
      const got: string[] = [];
      const splitter = new LineSplitter((one) => got.push(one));
      let at = 0;
      for (const cut of cuts) {
        splitter.push(bytes.subarray(at, at + cut));
        at += cut;
      }
      splitter.push(bytes.subarray(at));
      splitter.end();
      assert.deepEqual(
        got,
        lines.filter((one) => one !== "").map((one) => Buffer.from(one).toString()),
      );
    }),
  );
});
