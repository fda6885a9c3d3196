import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { clearAnswer, reasonOf } from "./clear-answer.ts";
import { ReviewDoor, type ReviewPath, TERM } from "./door.ts";
import { reviewOf } from "./reviews.ts";
import { writtenApi } from "./written-api.ts";

const STRANGER = {
  username: "system:serviceaccount:default:intruder",
  groups: [],
  extra: { "authentication.kubernetes.io/pod-name": ["coordinator-9"] },
};
const FORGED = {
  "claims.beskar7.io/term": TERM,
  "claims.beskar7.io/mode": "leader",
  "claims.beskar7.io/requester": "system:serviceaccount:beskar7-system:beskar7",
  "claims.beskar7.io/receipt": "eyJhbGciOiJub25lIn0.e30.",
  "claims.beskar7.io/priority": "1000000",
  "beskar7.io/claimed-by": "default/somebody-else",
};
const intent = (term: string) => JSON.stringify({ term, hosts: "1", requests: "1", nonce: "n" });
const INTENT = "claims.beskar7.io/intent";

describe("what a writer says of itself", () => {
  const { watched, writes } = writtenApi();
  let door: ReviewDoor;
  before(async () => {
    door = await ReviewDoor.open({}, watched);
  });
  after(() => door.close());
  async function answer(review: object, path: ReviewPath = "/mutate") {
    const verdict = await clearAnswer(door, JSON.stringify(review), { path });
    assert.ok(verdict);
    return verdict;
  }

  for (const path of ["/mutate", "/validate"] as const) {
    test(`makes nobody the holder at ${path}: neither stamps nor the holder's own term do`, async () => {
      const plain = await answer(reviewOf({ userInfo: STRANGER }), path);
      assert.equal(reasonOf(plain), "Delegated");
      for (const annotations of [FORGED, { [INTENT]: intent(TERM) }, { ...FORGED, [INTENT]: intent(TERM) }]) {
        const forged = await answer(reviewOf({ userInfo: STRANGER, annotations }), path);
        assert.deepEqual(forged.status, plain.status);
      }
    });

    test(`under a term that is over, or can't be read, stops the holder too at ${path}`, async () => {
      for (const text of [intent("lease-uid/0/coordinator-0"), "{", "null", '{"term":7}', "[]", ""]) {
        const verdict = await answer(reviewOf({ annotations: { [INTENT]: text } }), path);
        assert.equal(reasonOf(verdict), "FencedOut", text);
      }
    });
  }

  test("is written over where it is not so, and taken away where there is nothing to say", async () => {
    const response = await answer(reviewOf({ after: "machine-2", annotations: FORGED }));
    assert.equal(response.allowed, true);
    const patch: { op: string; path: string; value?: string }[] = JSON.parse(
      Buffer.from(response.patch ?? "", "base64").toString("utf8"),
    );
    const said = Object.fromEntries(patch.map(({ op, path, value }) => [path.split("~1")[1], value ?? op]));
    assert.equal(said["claimed-by"], "default/machine-2");
    assert.equal(said.priority, "100");
    assert.equal(said.receipt, "remove");
  });

  const unbound = { username: "system:serviceaccount:beskar7-system:beskar7", groups: [], extra: {} };
  const podOf = (...pods: string[]) => ({ "authentication.kubernetes.io/pod-name": pods });
  const impostors: Record<string, unknown> = {
    "the same pod name in another namespace": { ...STRANGER, extra: podOf("coordinator-0") },
    "the holder's account without a pod": unbound,
    "the holder's account with two pods": { ...unbound, extra: podOf("coordinator-0", "coordinator-1") },
    "a pod whose name only begins like the holder's": { ...unbound, extra: podOf("coordinator-0-0") },
    "the holder's full identity as a pod": { ...unbound, extra: podOf(TERM.split("/")[2]!) },
    "a user who calls the account its name": {
      username: "beskar7-system:beskar7",
      groups: [],
      extra: podOf("coordinator-0"),
    },
    "a user with the holder's pod in another case of the key": {
      ...unbound,
      extra: { "Authentication.Kubernetes.io/Pod-Name": ["coordinator-0"] },
    },
    "an account whose namespace has a part more": {
      username: "system:serviceaccount:beskar7-system-2:beskar7",
      groups: ["system:masters"],
      extra: podOf("coordinator-0"),
    },
  };
  for (const [who, userInfo] of Object.entries(impostors)) {
    test(`${who} is not the holder`, async () => {
      for (const path of ["/mutate", "/validate"] as const)
        assert.equal(reasonOf(await answer(reviewOf({ userInfo }), path)), "Delegated");
    });
  }

  test("got a place in the queue, and no binding", () => {
    assert.deepEqual(
      writes.map(({ object }) => [
        object.metadata.name,
        (object.status as { binding?: unknown } | undefined)?.binding,
      ]),
      [["beskar7machine-machine-1", undefined]],
    );
  });
});
