import assert from "node:assert/strict";
import { test } from "node:test";
import type { Claim } from "../../src/claims/claim.ts";
import { Kind } from "../../src/claims/network.ts";
import { Ranking } from "../../src/claims/ranking.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim } from "./generate.ts";
import { Random } from "./random.ts";

/** One claim a number, so that no two kinds are represented by the same. */
const claimAt = (createdAtMs: number) => aClaim(`m${createdAtMs}`, { createdAtMs });

function rankingOf(...times: readonly number[]): { ranking: Ranking; kinds: Kind[]; claims: Claim[] } {
  const ranking = new Ranking();
  const claims = times.map(claimAt);
  const kinds = claims.map(({ id }) => new Kind(id, NO_REQUIREMENTS));
  for (const [i, kind] of kinds.entries()) ranking.move(kind, null, claims[i]!);
  return { ranking, kinds, claims };
}

test("kinds stand in the order of the claims that represent them, whichever come, change and go", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const { ranking, kinds } = rankingOf();
    const present = new Map<Kind, Claim>();
    for (let n = 0; n < 14; n++) kinds.push(new Kind(`${n}`, NO_REQUIREMENTS));
    for (let n = 0; n < 100; n++) {
      const kind = random.pick(kinds);
      const to = random.chance(0.7) ? claimAt(random.below(30)) : null;
      if (to !== null && [...present.values()].some(({ id }) => id === to.id)) continue;
      ranking.move(kind, present.get(kind) ?? null, to);
      if (to === null) present.delete(kind);
      else present.set(kind, to);
      const expected = [...present].sort(([, a], [, b]) => a.createdAtMs - b.createdAtMs);
      assert.deepEqual(
        ranking.kinds.map(({ key }) => key),
        expected.map(([{ key }]) => key),
        `seed ${seed}`,
      );
    }
  }
});

for (const [name, at, to] of [
  ["first", 0, 15],
  ["first", 0, 5],
  ["second", 1, 25],
  ["second", 1, 15],
  ["last", 2, 35],
  ["last", 2, 25],
] as const) {
  test(`the ${name} of three kinds keeps its rank from ${10 * at + 10} to ${to}: no list is made anew`, () => {
    const { ranking, kinds, claims } = rankingOf(10, 20, 30);
    const before = ranking.kinds;
    ranking.move(kinds[at]!, claims[at]!, claimAt(to));
    assert.equal(ranking.kinds, before);
    assert.deepEqual(ranking.kinds, kinds);
    // It is found again under the claim that represents it now.
    ranking.move(kinds[at]!, claimAt(to), null);
    assert.deepEqual(ranking.kinds, kinds.toSpliced(at, 1));
  });
}
