/** How far searches go for their answers. What they answer is the matter of queue.property.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { classesSeen, findOpening, findSpare, moveInto, sparable } from "../../src/claims/search.ts";
import { HandMade, readsOf } from "./network-of.ts";

test("where no host is spare, a search ends as soon as the lowest place of all is in reach", () => {
  const made = new HandMade();
  const only = made.addClass(1);
  const low = made.addKind([only]);
  const high = made.addKind([only]);
  made.addClaim(low, 9);
  const beyond = readsOf(only, "claimants");
  const opening = findOpening(made.matching, { kind: high });
  assert.ok(opening.type === "loser" && opening.kind === low);
  assert.equal(beyond(), 0);
});

test("only a spare host is an answer where only that will do", () => {
  const made = new HandMade();
  const only = made.addClass(1);
  made.addClaim(made.addKind([only]), 9);
  const high = made.addKind([only]);
  assert.equal(findSpare(made.matching, high, new Int32Array(1)).type, "none");
  const spare = made.addClass(1);
  made.matching.addFit(high, spare);
  const opening = findSpare(made.matching, high, new Int32Array(1));
  assert.ok(opening.type === "spare" && opening.class === spare);
});

test("what one search for a spare host has seen in vain is not entered by the next one", () => {
  const made = new HandMade();
  const full = made.addClass(1);
  made.addClass(1);
  made.addClaim(made.addKind([full]), 1);
  const first = made.addKind([full]);
  const second = made.addKind([full]);
  const entered = readsOf(full, "claimants");
  findSpare(made.matching, first, new Int32Array(1));
  assert.equal(entered(), 1);
  findSpare(made.matching, second, classesSeen().slice(0, 1));
  assert.equal(entered(), 1);
});

test("a search ends when every kind with places has been reached, the one it started from among them", () => {
  const made = new HandMade();
  const near = made.addClass(1);
  const far = made.addClass(1);
  made.addClass(1);
  const placed = made.addKind([near, far]);
  made.addClaim(placed, 1);
  made.addClaim(placed, 2);
  const nearEntered = readsOf(near, "claimants");
  const farEntered = readsOf(far, "claimants");
  assert.equal(findOpening(made.matching, { kind: placed }).type, "none");
  assert.deepEqual([nearEntered(), farEntered()], [0, 0]);
  const other = made.addKind([near, far]);
  const opening = findOpening(made.matching, { kind: other });
  assert.ok(opening.type === "loser" && opening.kind === placed);
  assert.deepEqual([nearEntered(), farEntered()], [1, 0]);
});

test("where nothing was found, nobody moves", () => {
  const made = new HandMade();
  const only = made.addClass(1);
  const kind = made.addKind([only]);
  made.addClaim(kind, 1);
  moveInto(made.matching, { type: "none" });
  assert.deepEqual([kind.placed, only.used, kind.flows.length], [1, 1, 1]);
});

test("a new host goes to the highest claim that waits, if it fits, without another look", () => {
  const made = new HandMade();
  const empty = made.addClass(0);
  made.addClaim(made.addKind([empty, made.addClass(1)]), 1);
  const waiting = made.addKind([empty]);
  made.addClaim(waiting, 2);
  const looked = readsOf(empty, "row");
  made.addHost(empty);
  assert.equal(waiting.placed, 1);
  assert.equal(looked(), 0);
});

test("a new host lets one claim move on, and no other is asked, when that serves the highest that waits", () => {
  const made = new HandMade();
  const [empty, wanted, other] = [made.addClass(0), made.addClass(1), made.addClass(1)];
  const mover = made.addKind([empty, wanted]);
  const another = made.addKind([empty, other]);
  made.addClaim(mover, 1);
  made.addClaim(another, 2);
  const waiting = made.addKind([wanted]);
  made.addClaim(waiting, 3);
  const asked = readsOf(another, "flows");
  made.addHost(empty);
  assert.equal(waiting.placed, 1);
  assert.ok(mover.flows[0]!.class === empty);
  assert.equal(asked(), 0);
});

test("a new host that serves nobody is given up when every kind with places has been reached", () => {
  const made = new HandMade();
  const [empty, near, far] = [made.addClass(0), made.addClass(1), made.addClass(1)];
  const placed = made.addKind([empty, near, far]);
  made.addClaim(placed, 1);
  made.addClaim(placed, 2);
  const waiting = made.addKind([made.addClass(0)]);
  made.addClaim(waiting, 3);
  const looked = [near, far].map((cls) => readsOf(cls, "row"));
  made.addHost(empty);
  assert.equal(waiting.placed, 0);
  assert.deepEqual(
    looked.map((reads) => reads()),
    [0, 0],
  );
});

test("a new host starts no search when nobody waits, nor where one like it was spare before", () => {
  const made = new HandMade();
  const cls = made.addClass(0);
  made.addClaim(made.addKind([cls, made.addClass(1)]), 1);
  const looked = readsOf(cls, "row");
  made.addHost(cls);
  assert.equal(looked(), 0);
  made.addClaim(made.addKind([made.addClass(0)]), 2);
  made.addHost(cls);
  assert.equal(looked(), 0);
});

test("whether a class can spare a host: the first one is asked for alone, the second with all, no other again", () => {
  const made = new HandMade();
  const spare = made.addClass(1);
  const own = made.addClass(1);
  const full = [made.addClass(1), made.addClass(1), made.addClass(1)];
  const kind = made.addKind([own]);
  made.addClaim(kind, 1);
  for (const [n, cls] of full.entries()) {
    const holder = made.addKind([cls]);
    made.addClaim(holder, 2 + n);
    // The last one could not move on.
    if (n < 2) made.matching.addFit(holder, spare);
    made.matching.addFit(kind, cls);
  }
  made.matching.addFit(kind, spare);
  const flows = readsOf(kind, "flows");
  const all = readsOf(spare, "row");
  const maySpare = sparable(made.matching, kind);
  assert.equal(maySpare(spare), true);
  assert.equal(flows(), 0);
  assert.equal(maySpare(own), true);
  const seen = full.map((cls) => [maySpare(cls), all()]);
  assert.deepEqual(seen, [
    [true, 0],
    [true, 1],
    [false, 1],
  ]);
});
