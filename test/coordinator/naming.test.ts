import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isHolder, parseRequester } from "../../src/claims/holder.ts";
import { HolderMatch } from "../../src/coordinator/holder-match.ts";
import { holderIdentity } from "../../src/coordinator/naming.ts";
import { FakeClock } from "../support/fake-clock.ts";

const UUID = "0f8fad5b-d9cb-469f-a165-70867728950e";
const RULE = { leaseNamespace: "beskar7-system", extraServiceAccounts: [] };
const SERVICE_ACCOUNT = "system:serviceaccount:beskar7-system:coordinator";

const CASES = {
  "in a pod, its name": {
    seenAs: { username: SERVICE_ACCOUNT, groups: [], uid: "", podName: "pod-1" },
    identity: `pod-1_${UUID}`,
    warned: false,
  },
  "outside a cluster, the user": {
    seenAs: { username: "developer", groups: [], uid: "", podName: "" },
    identity: `developer_${UUID}`,
    warned: true,
  },
  "with another pod's token, that pod": {
    seenAs: { username: SERVICE_ACCOUNT, groups: [], uid: "", podName: "pod-2" },
    identity: `pod-2_${UUID}`,
    warned: true,
  },
};

describe("a replica's identity", () => {
  for (const [name, { seenAs, identity, warned }] of Object.entries(CASES)) {
    test(`is, ${name}; the rule then recognises it`, () => {
      const made = holderIdentity("pod-1", seenAs, UUID);
      assert.equal(made.identity, identity);
      assert.equal(made.warning !== null, warned);
      const extra: Record<string, string[]> =
        seenAs.podName === "" ? {} : { "authentication.kubernetes.io/pod-name": [seenAs.podName] };
      assert.equal(isHolder(parseRequester({ ...seenAs, extra }), made.identity, RULE), true);
    });
  }

  test("of a token that is bound to no pod comes with a warning, since nobody will recognise it", () => {
    const made = holderIdentity(
      "pod-1",
      { username: SERVICE_ACCOUNT, groups: [], uid: "", podName: "" },
      UUID,
    );
    assert.match(made.warning ?? "", /bound to no pod/);
    assert.equal(isHolder(parseRequester({ username: SERVICE_ACCOUNT }), made.identity, RULE), false);
  });

  test("is POD_NAME where the API server does not say who asks", () => {
    assert.deepEqual(holderIdentity("pod-1", null, UUID), { identity: `pod-1_${UUID}`, warning: null });
  });
});

describe("a holder that nobody matches", () => {
  const delegated = { term: "t1", requesterIsHolder: false, reason: "Delegated" };

  function setUp(hasWork = () => true, foreign = false) {
    const clock = new FakeClock();
    const told: string[] = [];
    const lease: { holder: { term: string; foreign: boolean } | null } = { holder: null };
    const match = new HolderMatch({
      ...{ clock, hasWork, holder: () => lease.holder },
      onUnmatched: (term) => void told.push(term),
    });
    const delegate = (times: number, term = "t1") => {
      lease.holder = { term, foreign };
      for (let count = 0; count < times; count++) match.note({ ...delegated, term });
    };
    return { clock, told, lease, match, delegate };
  }

  test("is told once, after twenty delegations within half a minute or more, and no claim of its own", async () => {
    const { clock, told, match, delegate } = setUp();
    delegate(19);
    await clock.advance(30_000);
    assert.equal(match.unmatched, false);
    delegate(20);
    assert.deepEqual(told, ["t1"]);
    assert.equal(match.unmatched, true);
    match.note({ ...delegated, requesterIsHolder: true, reason: "" });
    assert.equal(match.unmatched, false);
  });

  test("is not suspected in a burst, nor while it has nothing to claim", async () => {
    const burst = setUp();
    burst.delegate(40);
    await burst.clock.advance(29_999);
    burst.delegate(1);
    assert.equal(burst.match.unmatched, false);
    const idle = setUp(() => false);
    idle.delegate(40);
    await idle.clock.advance(60_000);
    idle.delegate(40);
    assert.deepEqual([...burst.told, ...idle.told], []);
  });

  test("is known to be recognised by a host that was claimed in its term, whoever judged that", async () => {
    const { clock, told, match, delegate } = setUp();
    delegate(20);
    match.claimed("t0");
    match.claimed("");
    await clock.advance(30_000);
    assert.equal(match.unmatched, true);
    match.claimed("t1");
    assert.equal(match.unmatched, false);
    delegate(20);
    assert.deepEqual(told, []);
  });

  test("is told at once where it is none of ours: nobody claims for it", () => {
    const { told, delegate } = setUp(undefined, true);
    delegate(20);
    assert.deepEqual(told, ["t1"]);
  });

  test("is suspected no longer when nobody, or somebody else, holds the Lease", () => {
    const { lease, match, delegate } = setUp(undefined, true);
    delegate(20);
    assert.equal(match.unmatched, true);
    for (const holder of [null, { term: "t2", foreign: true }]) {
      lease.holder = holder;
      assert.equal(match.unmatched, false);
    }
  });

  test("is recognised also by a host that was seen before the first verdict of its term, but not by one of long ago", () => {
    const { told, match, delegate } = setUp(undefined, true);
    match.claimed("t1");
    match.claimed("t0");
    delegate(20);
    assert.deepEqual(told, []);
    for (let term = 2; term < 70; term++) match.claimed(`t${term}`);
    delegate(20);
    assert.deepEqual(told, ["t1"]);
  });

  test("is counted anew for each term", async () => {
    const { clock, told, delegate } = setUp();
    delegate(19);
    await clock.advance(30_000);
    delegate(19, "t2");
    await clock.advance(30_000);
    assert.deepEqual(told, []);
    delegate(1, "t2");
    assert.deepEqual(told, ["t2"]);
  });
});
