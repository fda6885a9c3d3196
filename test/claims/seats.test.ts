import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HostClass, type Seat } from "../../src/claims/network.ts";
import { merged, seatIndex, sortedSeats, without } from "../../src/claims/seats.ts";
import { aHost } from "./generate.ts";

const seatsOf = (...names: readonly string[]): Seat[] =>
  names.map((name) => ({ host: aHost(name), class: new HostClass("", []) }));

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

test("taking seats out writes none of those before the first that goes", () => {
  const written: string[] = [];
  const seats = new Proxy(seatsOf("a", "b", "c", "d", "e"), {
    set(target, property, value) {
      written.push(String(property));
      return Reflect.set(target, property, value);
    },
  });
  const left = without(seats, [seats[2]!, seats[4]!]);
  assert.deepEqual(
    left.map(({ host }) => host.name),
    ["a", "b", "d"],
  );
  assert.deepEqual(written, ["2", "length"]);
});

test("seats that come in order are left alone, others are sorted by name, and by uid among namesakes", () => {
  const inOrder = Object.freeze(seatsOf("a", "b", "c")) as Seat[];
  assert.equal(sortedSeats(inOrder), inOrder);
  const [a, b, c] = inOrder as [Seat, Seat, Seat];
  const successor = { ...b, host: { ...b.host, uid: "uid-z" } };
  assert.deepEqual(sortedSeats([successor, a, c, b]), [a, b, successor, c]);
  assert.deepEqual(sortedSeats([a, c, b]), [a, b, c]);
});

test("two sorted lists become one, in which each seat is found at its index", () => {
  const [a, b, c, d] = seatsOf("a", "b", "c", "d") as [Seat, Seat, Seat, Seat];
  assert.deepEqual(merged([a, d], [b, c]), [a, b, c, d]);
  assert.deepEqual(merged([b, c], [a, d]), [a, b, c, d]);
  assert.deepEqual(merged([], [a]), [a]);
  assert.deepEqual(
    [a, b, c, d].map(({ host }) => seatIndex([a, b, c, d], host)),
    [0, 1, 2, 3],
  );
});
