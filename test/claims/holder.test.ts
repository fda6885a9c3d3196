import assert from "node:assert/strict";
import { test } from "node:test";
import { isHolder, parseRequester } from "../../src/claims/holder.ts";

const UUID = "0e3a9c1c-52a4-4d0b-9f57-0f3b6f7a9d11";
const rule = { leaseNamespace: "beskar7-system", extraServiceAccounts: ["capi:manager"] };

function pod(namespace: string, account: string, name?: string) {
  return parseRequester({
    username: `system:serviceaccount:${namespace}:${account}`,
    groups: ["system:serviceaccounts"],
    extra: name === undefined ? {} : { "authentication.kubernetes.io/pod-name": [name] },
  });
}

const cases: [name: string, requester: ReturnType<typeof pod>, identity: string, want: boolean][] = [
  ["the holder's pod", pod("beskar7-system", "coordinator", "pod-a"), `pod-a_${UUID}`, true],
  ["the pod of an identity without uuid", pod("beskar7-system", "coordinator", "pod-a"), "pod-a", true],
  [
    "another replica under the same account",
    pod("beskar7-system", "coordinator", "pod-b"),
    `pod-a_${UUID}`,
    false,
  ],
  ["a pod of the same name elsewhere", pod("evil", "coordinator", "pod-a"), `pod-a_${UUID}`, false],
  ["a pod of an account that is listed", pod("capi", "manager", "pod-a"), `pod-a_${UUID}`, true],
  ["a pod of another account there", pod("capi", "guest", "pod-a"), `pod-a_${UUID}`, false],
  ["a token that is bound to no pod", pod("beskar7-system", "coordinator"), `pod-a_${UUID}`, false],
  [
    "a service account that the holder calls itself after",
    pod("beskar7-system", "coordinator"),
    "system:serviceaccount:beskar7-system:coordinator",
    false,
  ],
  ["a user of the holder's name", parseRequester({ username: "dev" }), `dev_${UUID}`, true],
  ["a user of the whole identity", parseRequester({ username: "build_bot" }), "build_bot", true],
  [
    "a user of the whole identity, uuid and all",
    parseRequester({ username: `dev_${UUID}` }),
    `dev_${UUID}`,
    true,
  ],
  [
    "a pod, where the holder's name goes on after what looks like a uuid,",
    pod("beskar7-system", "c", "pod-x"),
    `pod_${UUID}-x`,
    false,
  ],
  ["a user of the first half of a name", parseRequester({ username: "build" }), "build_bot", false],
  ["another user", parseRequester({ username: "ann" }), `dev_${UUID}`, false],
  ["nobody, where nobody holds", parseRequester({}), "", false],
  ["nobody, where the identity is only a uuid", parseRequester({}), `_${UUID}`, false],
];

for (const [name, requester, identity, want] of cases) {
  test(`${name} is ${want ? "" : "not "}the holder`, () => {
    assert.equal(isHolder(requester, identity, rule), want);
  });
}

test("a token with two pod names is bound to none", () => {
  const extra = { "authentication.kubernetes.io/pod-name": ["pod-a", "pod-b"] };
  assert.equal(parseRequester({ username: "system:serviceaccount:a:b", extra }).podName, "");
  const mangled = { "authentication.kubernetes.io/pod-name": [null as unknown as string] };
  assert.equal(parseRequester({ username: "system:serviceaccount:a:b", extra: mangled }).podName, "");
});

test("a requester is read with its namespace and account", () => {
  assert.deepEqual(pod("capi", "manager", "pod-a"), {
    username: "system:serviceaccount:capi:manager",
    groups: ["system:serviceaccounts"],
    podName: "pod-a",
    serviceAccountNamespace: "capi",
    serviceAccountName: "manager",
  });
});

test("what a request does not say of its author is empty", () => {
  const nobody = {
    username: "",
    groups: [],
    podName: "",
    serviceAccountNamespace: "",
    serviceAccountName: "",
  };
  assert.deepEqual(parseRequester({}), nobody);
  assert.deepEqual(parseRequester({ username: "system:serviceaccount:" }), {
    ...nobody,
    username: "system:serviceaccount:",
  });
  assert.deepEqual(parseRequester({ username: "ann", groups: ["dev"], extra: {} }), {
    ...nobody,
    username: "ann",
    groups: ["dev"],
  });
});
