/** That no work is done for what can change nothing: counted in looks and calls. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { placeFirst } from "../../src/claims/choice.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { HandMade, readsOf } from "./network-of.ts";

test("a claim behind another of its kind that waits is not searched for", (t) => {
  const made = new HandMade();
  made.addClass(1);
  const kind = made.addKind([made.addClass(1)]);
  made.addClaim(kind, 1);
  made.addClaim(kind, 2);
  const searched = readsOf(kind, "row");
  const { byLastPlaced, byFirstUnplaced } = made.matching;
  const moves = [byLastPlaced, byFirstUnplaced].map((ranking) => t.mock.method(ranking, "move").mock);
  made.addClaim(kind, 3);
  assert.equal(searched(), 0);
  assert.deepEqual(
    moves.map((move) => move.callCount()),
    [0, 0],
  );
});

test("a claim below all that have places is not searched for while no host is spare", () => {
  const made = new HandMade();
  const only = made.addClass(1);
  made.addClaim(made.addKind([only]), 1);
  const low = made.addKind([only]);
  const searched = readsOf(low, "row");
  made.addClaim(low, 2);
  assert.equal(searched(), 0);
});

test("who would lose a place is worked out once, also when claims come that get no host", () => {
  const made = new HandMade();
  const only = made.addClass(1);
  const claim = made.addClaim(made.addKind([only]), 1);
  const searched = readsOf(only, "claimants");
  assert.equal(made.matching.weakest(only), claim);
  assert.equal(searched(), 1);
  made.addClaim(made.addKind([only]), 2);
  assert.equal(made.matching.weakest(only), claim);
  assert.equal(searched(), 1);
});

test("loading searches for no claim any more once all hosts are given out", () => {
  const made = new HandMade();
  made.matching.startLoading();
  const only = made.addClass(1);
  const high = made.addKind([only]);
  const low = made.addKind([only]);
  made.addClaim(high, 1);
  made.addClaim(low, 2);
  const searched = readsOf(low, "row");
  made.matching.finishLoading();
  assert.deepEqual([high.placed, low.placed], [1, 0]);
  assert.equal(searched(), 0);
});

test("loading searches once for claims that ask the same in vain, and not again where others searched", () => {
  const made = new HandMade();
  made.matching.startLoading();
  made.addClass(1);
  const only = made.addClass(1);
  const [high, low, lowest] = [made.addKind([only]), made.addKind([only]), made.addKind([only])];
  for (const [n, kind] of [high, low, low, lowest].entries()) made.addClaim(kind, n);
  const searched = [low, high].map((kind) => readsOf(kind, "row"));
  made.matching.finishLoading();
  // Through `high`, that has the host: its own search, and the one of `low`.
  assert.deepEqual(
    searched.map((reads) => reads()),
    [1, 2],
  );
});

test("when a class is split, no more places are moved than there are hosts", (t) => {
  const made = new HandMade();
  const whole = made.addClass(3);
  for (let n = 0; n < 3; n++) made.addClaim(made.addKind([whole]), n);
  const part = made.addClass(0);
  made.matching.copyFits(whole, part);
  const { mock } = t.mock.method(made.matching, "addFlow");
  made.matching.splitOff(whole, part, 1);
  assert.deepEqual([whole.size, whole.used, part.size, part.used], [2, 2, 1, 1]);
  assert.equal(mock.callCount(), 2);
});

test("how well the hosts of a class suit claims that ask the same is worked out once for all of them", () => {
  let worked = 0;
  const requirements = {
    ...NO_REQUIREMENTS,
    get preferredTags() {
      worked++;
      return [];
    },
  };
  const made = new HandMade();
  const kind = made.addKind([made.addClass(3)], requirements);
  for (let n = 0; n < 3; n++) made.addClaim(kind, n);
  assert.equal(placeFirst(made.matching, Number.POSITIVE_INFINITY).length, 3);
  assert.equal(worked, 1);
});
