import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Consumer,
  consumerKey,
  formatTerm,
  parseTerm,
  sameConsumer,
  sameTerm,
  type Term,
} from "../../src/claims/claim.ts";

const consumer: Consumer = {
  apiVersion: "v1beta1",
  kind: "Beskar7Machine",
  namespace: "default",
  name: "m1",
  uid: "u1",
};
const term: Term = { leaseUid: "6f1c-a", leaseTransitions: 12, holderIdentity: "pod-a_0e3a/9c1c" };

describe("a consumer", () => {
  for (const [difference, other, same] of [
    ["only in the apiVersion", { apiVersion: "v1beta2" }, true],
    ["in nothing but a uid that one side lacks", { uid: "" }, true],
    ["in its uid", { uid: "u2" }, false],
    ["in its kind", { kind: "Metal3Machine" }, false],
    ["in its namespace", { namespace: "team-b" }, false],
    ["in its name", { name: "m2" }, false],
    ["in its name, both without a uid", { name: "m2", uid: "" }, false],
  ] as const) {
    test(`that differs from another ${difference} is ${same ? "the same" : "another one"}`, () => {
      const differing = { ...consumer, ...other };
      assert.equal(sameConsumer(consumer, differing), same);
      assert.equal(sameConsumer(differing, consumer), same);
    });
  }

  test("is known by kind, namespace and name", () => {
    assert.equal(consumerKey(consumer), "Beskar7Machine/default/m1");
  });
});

describe("a term", () => {
  test("is the same when uid, transitions and identity are", () => {
    assert.equal(sameTerm(term, { ...term }), true);
    assert.equal(sameTerm(term, { ...term, leaseUid: "6f1c-b" }), false);
    assert.equal(sameTerm(term, { ...term, leaseTransitions: 13 }), false);
    assert.equal(sameTerm(term, { ...term, holderIdentity: "pod-a_0e3a" }), false);
  });

  test("is read back as it was written, whatever the identity has in it", () => {
    assert.equal(formatTerm(term), "6f1c-a/12/pod-a_0e3a/9c1c");
    assert.deepEqual(parseTerm(formatTerm(term)), term);
    assert.deepEqual(parseTerm("u/0/i"), { leaseUid: "u", leaseTransitions: 0, holderIdentity: "i" });
  });

  for (const text of ["", "u", "u/1", "u/1/", "/1/i", "u/-1/i", "u/1.5/i", "u/x/i", "u/v/1/i", "u/1/i\n"]) {
    test(`is not read from ${JSON.stringify(text)}`, () => assert.equal(parseTerm(text), undefined));
  }
});
