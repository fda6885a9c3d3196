import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sleep, systemClock } from "../../src/clock.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import {
  type ControlPlane,
  expectOk,
  skipWithoutControlPlane,
  startControlPlane,
} from "../controlplane/index.ts";

const name = "the ClaimRequest definition on a real API server";
const PATH = "/apis/claims.beskar7.io/v1alpha1/namespaces/default/claimrequests";
const apiVersion = "claims.beskar7.io/v1alpha1";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let plane: ControlPlane;
  let count = 0;
  before(async () => {
    plane = await startControlPlane();
    const body = claimRequestDefinition();
    expectOk(await plane.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { body }));
    while ((await plane.call("GET", PATH)).code !== 200) await sleep(systemClock, 50);
  });
  after(() => plane?.stop());

  const create = (spec: object) => {
    count += 1;
    const body = { apiVersion, kind: "ClaimRequest", metadata: { name: `r-${count}` }, spec };
    return plane.call("POST", PATH, { body });
  };
  const merge = (path: string, body: object) =>
    plane.call("PATCH", `${PATH}/${path}`, { body, contentType: "application/merge-patch+json" });

  test("the definition has no problem of structure", async () => {
    const found = await plane.call(
      "GET",
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/claimrequests.claims.beskar7.io",
    );
    const { conditions } = expectOk(found).status;
    assert(!conditions.some(({ type }: { type: string }) => type === "NonStructuralSchema"));
  });

  test("a request that says nothing waits for a PhysicalHost", async () => {
    assert.equal(expectOk(await create({})).spec.hostKind, "PhysicalHost");
    const body = { apiVersion, kind: "ClaimRequest", metadata: { name: "bare" } };
    assert.equal(expectOk(await plane.call("POST", PATH, { body })).spec.hostKind, "PhysicalHost");
  });

  test("a name that begins with a machine's kind is for the request of the machine of that name", async () => {
    const post = (requestName: string, spec: object) =>
      plane.call("POST", `${PATH}?dryRun=All`, {
        body: { apiVersion, kind: "ClaimRequest", metadata: { name: requestName }, spec },
      });
    const long = "m".repeat(240);
    for (const [requestName, spec] of [
      ["beskar7machine-m-1", { consumerRef: { name: "m-1" } }],
      ["beskar7machine-m-1", { consumerRef: { kind: "Beskar7Machine", name: "m-1" } }],
      ["metal3machine-m-1", { hostKind: "BareMetalHost", consumerRef: { kind: "", name: "m-1" } }],
      ["hostclaim-c-1", { hostKind: "BareMetalHost", consumerRef: { kind: "HostClaim", name: "c-1" } }],
      ["beskar7machine-m-0123456789abcdef", { consumerRef: { name: long } }],
      ["beskar7machine-m-0123456789abcdef", { consumerRef: { name: "M_1" } }],
      ["my-beskar7machine-m-1", {}],
    ] as const) {
      const answer = await post(requestName, spec);
      assert.equal(
        answer.code,
        201,
        `${requestName} ${JSON.stringify(spec)}: ${JSON.stringify(answer.json())}`,
      );
    }
    for (const [requestName, spec] of [
      ["beskar7machine-m-1", {}],
      ["beskar7machine-m-1", { consumerRef: {} }],
      ["beskar7machine-m-1", { consumerRef: { kind: "Beskar7Machine" } }],
      ["beskar7machine-m-1", { consumerRef: { name: "victim" } }],
      ["beskar7machine-m-1", { consumerRef: { kind: "Rack", name: "m-1" } }],
      ["beskar7machine-m-1", { hostKind: "BareMetalHost", consumerRef: { name: "m-1" } }],
      ["metal3machine-m-1", { consumerRef: { name: "m-1" } }],
      ["hostclaim-c-1", { consumerRef: { name: "c-1" } }],
    ] as const) {
      const answer = await post(requestName, spec);
      assert.equal(answer.code, 422, `${requestName} ${JSON.stringify(spec)}`);
      assert.match(answer.json().message, /is for the request of the/);
    }
  });

  test("a reference is stored verbatim, empty fields too", async () => {
    const consumerRef = {
      kind: "",
      apiVersion: "",
      name: "m",
      namespace: "default",
      uid: "u",
      fieldPath: "x",
    };
    assert.deepEqual(expectOk(await create({ consumerRef })).spec.consumerRef, consumerRef);
  });

  const refused: Record<string, object> = {
    "a host kind of no profile": { hostKind: "Host" },
    "a priority that is no integer": { priority: 1.5 },
    "negative hardware": { requirements: { hardware: { minCPUCores: -1 } } },
    "an operator without its values": {
      requirements: { matchExpressions: [{ key: "zone", operator: "In" }] },
    },
    "an operator with values that it doesn't take": {
      requirements: { matchExpressions: [{ key: "zone", operator: "Exists", values: ["a"] }] },
    },
    "the same tag twice": { requirements: { requiredTags: ["a", "a"] } },
  };
  for (const [what, spec] of Object.entries(refused)) {
    test(`${what} is refused`, async () => assert.equal((await create(spec)).code, 422));
  }

  test("consumer and host kind can't change, not even from or to nothing; priority can", async () => {
    const withRef = expectOk(await create({ consumerRef: { name: "m" } })).metadata.name;
    const without = expectOk(await create({})).metadata.name;
    assert.equal((await merge(withRef, { spec: { consumerRef: { name: "n" } } })).code, 422);
    assert.equal((await merge(withRef, { spec: { consumerRef: null } })).code, 422);
    assert.equal((await merge(without, { spec: { consumerRef: { name: "m" } } })).code, 422);
    assert.equal((await merge(without, { spec: { hostKind: "BareMetalHost" } })).code, 422);
    assert.equal((await merge(without, { spec: { priority: -5 } })).code, 200);
  });

  test("the status is a resource of its own, checked, and shown by kubectl", async () => {
    const object = expectOk(await create({ consumerRef: { name: "machine-1" } })).metadata.name;
    const binding = { hostName: "h", hostUID: "u", hostResourceVersion: "5", term: "" };
    const status = { phase: "Binding", hostName: "h", message: "on its way", binding };
    assert.deepEqual(expectOk(await merge(object, { status })).status, { phase: "Pending" });
    assert.deepEqual(expectOk(await merge(`${object}/status`, { status })).status, status);
    assert.equal((await merge(`${object}/status`, { status: { phase: "Lost" } })).code, 422);
    assert.equal((await merge(`${object}/status`, { status: { binding: { hostName: "" } } })).code, 422);
    const { stdout } = await plane.kubectl(["get", "claimreq", object]);
    assert.match(stdout, /NAME +CONSUMER +PHASE +HOST +MESSAGE +AGE\n\S+ +machine-1 +Binding +h +on its way/);
  });
});
