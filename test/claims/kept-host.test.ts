import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelExpression } from "../../src/claims/claim.ts";
import { ClaimQueue } from "../../src/claims/queue.ts";
import { isKeptFor, NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim, aHost } from "./generate.ts";

const ofTheGroup: LabelExpression = { key: "node-reuse", operator: "AbsentOrIn", values: ["workers"] };
const inTheRow: LabelExpression = { key: "row", operator: "In", values: ["7"] };
const asking = (...expressions: LabelExpression[]) => ({ ...NO_REQUIREMENTS, expressions });
const kept = aHost("z", { labels: { row: "7", "node-reuse": "workers" } });
const other = aHost("a", { labels: { row: "7" } });

test("a host is kept for who names its group, whatever else is asked of it", () => {
  for (const expressions of [[ofTheGroup], [ofTheGroup, inTheRow], [inTheRow, ofTheGroup]]) {
    assert.equal(isKeptFor(asking(...expressions), kept), true);
    assert.equal(isKeptFor(asking(...expressions), other), false);
    const queue = new ClaimQueue();
    for (const host of [other, kept]) queue.setHost(host);
    const claim = aClaim("m", { requirements: asking(...expressions) });
    queue.setClaim(claim);
    assert.equal(queue.choose(claim.id), kept.uid);
  }
});

test("a host is kept for nobody who names no group", () => {
  for (const expressions of [[], [inTheRow]]) assert.equal(isKeptFor(asking(...expressions), kept), false);
});
