import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Seat } from "../../src/claims/network.ts";
import { without } from "../../src/claims/seats.ts";

test("seats are left in their order whichever are taken out", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (stays) => {
      // Nothing of a seat is looked at but which one it is.
      const seats = stays.map(() => ({}) as Seat);
      const staying = seats.filter((_, i) => stays[i]);
      const gone = seats.filter((_, i) => !stays[i]);
      assert.deepEqual(
        without([...seats], gone).map((seat) => seats.indexOf(seat)),
        staying.map((seat) => seats.indexOf(seat)),
      );
    }),
  );
});
