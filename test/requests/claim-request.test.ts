import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Consumer } from "../../src/claims/claim.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import {
  claimRequestName,
  FINALIZER,
  newClaimRequest,
  readClaimRequest,
} from "../../src/requests/claim-request.ts";

const machine: Consumer = {
  apiVersion: "",
  kind: "Beskar7Machine",
  namespace: "default",
  name: "m-1",
  uid: "u-1",
};

test("a consumer's request is named by kind and name, and lives beside it", () => {
  assert.equal(claimRequestName(machine), "beskar7machine-m-1");
  const { metadata } = newClaimRequest({ consumer: machine, consumerRef: {}, hostKind: "PhysicalHost" });
  assert.deepEqual([metadata.namespace, metadata.name], ["default", "beskar7machine-m-1"]);
});

test("only its status says that it waits for hosts of another namespace, which people can't write", () => {
  const object = { metadata: { namespace: "ns", name: "r" }, spec: { hostNamespace: "hosts" } };
  assert.equal(readClaimRequest(object).hostNamespace, "ns");
  assert.equal(readClaimRequest({ ...object, status: { hostNamespace: "hosts" } }).hostNamespace, "hosts");
});

test("any consumer gets a name that the API server takes, and different consumers different names", () => {
  const anyText = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.string({ minLength: 200, maxLength: 300, unit: fc.constantFrom("a", "-", ".", "B") }),
  );
  const anyConsumer = fc.record({
    kind: fc.constantFrom("A", "Beskar7Machine"),
    name: anyText,
  });
  fc.assert(
    fc.property(anyConsumer, anyConsumer, (a, b) => {
      const nameA = claimRequestName(a);
      assert(nameA.length <= 253);
      assert.match(nameA, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/);
      const same = a.kind === b.kind && a.name === b.name;
      assert.equal(nameA === claimRequestName(b), same);
    }),
  );
});

test("a new request keeps the reference as written, is owned by its consumer, and holds the finalizer", () => {
  const consumerRef = { namespace: "default", name: "m-1", uid: "u-1", kind: "" };
  const object = newClaimRequest({
    consumer: machine,
    consumerRef,
    hostKind: "PhysicalHost",
  });
  assert.deepEqual(object.spec, { hostKind: "PhysicalHost", consumerRef });
  assert.deepEqual(object.metadata.finalizers, [FINALIZER]);
  assert.deepEqual(object.metadata.ownerReferences, [
    {
      apiVersion: "infrastructure.cluster.x-k8s.io/v1beta1",
      kind: "Beskar7Machine",
      name: "m-1",
      uid: "u-1",
    },
  ]);
  const read = readClaimRequest(object);
  assert.deepEqual(read.consumer, machine);
  assert.equal(read.explicit, false);
  assert.equal(read.hasFinalizer, true);
});

const ownerless = {
  "a consumer without uid": { consumer: { ...machine, uid: "" } },
  "a kind whose API is not known": { consumer: { ...machine, kind: "Tool" } },
};
for (const [name, options] of Object.entries(ownerless)) {
  test(`no owner reference is written for ${name}`, () => {
    const object = newClaimRequest({ ...options, consumerRef: { name: "m-1" }, hostKind: "PhysicalHost" });
    assert.equal(object.metadata.ownerReferences, undefined);
  });
}

test("a request that names nobody is its own consumer", () => {
  for (const consumerRef of [undefined, {}, { kind: "Beskar7Machine" }]) {
    const read = readClaimRequest({
      metadata: { namespace: "default", name: "r", uid: "u", resourceVersion: "5" },
      spec: { consumerRef },
    });
    assert.equal(read.explicit, true);
    assert.deepEqual(read.consumer, {
      apiVersion: "claims.beskar7.io/v1alpha1",
      kind: "ClaimRequest",
      namespace: "default",
      name: "r",
      uid: "u",
    });
  }
});

test("a whole request is read field by field", () => {
  const read = readClaimRequest({
    metadata: {
      namespace: "ns",
      name: "r",
      creationTimestamp: "2026-01-01T00:00:00Z",
      deletionTimestamp: "x",
    },
    spec: {
      hostKind: "BareMetalHost",
      consumerRef: { name: "m" },
      priority: -3,
      requirements: {
        requiredTags: ["b", "a", "b"],
        hardware: { minCPUCores: 8 },
        matchExpressions: [
          { key: "zone", operator: "In", values: ["z1"] },
          { key: "k", operator: "Maybe" },
        ],
      },
    },
    status: {
      phase: "Binding",
      hostName: "h",
      message: "on its way",
      binding: { hostName: "h", hostUID: "hu", hostResourceVersion: "7", term: "" },
      lastAttempt: { requester: "ns/pod", time: "2026-01-01T00:00:01.500000Z" },
    },
  });
  assert.equal(read.consumer.kind, "Metal3Machine");
  assert.equal(read.consumer.namespace, "ns");
  assert.deepEqual(read.requirements.requiredTags, ["a", "b"]);
  assert.equal(read.requirements.minCPUCores, 8);
  assert.deepEqual(read.requirements.expressions, [{ key: "zone", operator: "In", values: ["z1"] }]);
  assert.equal(read.priority, -3);
  assert.equal(read.phase, "Binding");
  assert.equal(read.deleting, true);
  assert.deepEqual(read.binding, { hostName: "h", hostUID: "hu", hostResourceVersion: "7", term: "" });
  assert.deepEqual(read.lastAttempt, { requester: "ns/pod", atMs: Date.UTC(2026, 0, 1, 0, 0, 1, 500) });
});

test("whatever is stored can be read, and nobody can change what was read", () => {
  fc.assert(
    fc.property(
      fc.object({
        key: fc.constantFrom(
          "spec",
          "status",
          "consumerRef",
          "name",
          "requirements",
          "hardware",
          "binding",
          "requiredTags",
        ),
      }),
      (object) => {
        const read = readClaimRequest({ ...object, metadata: { name: "r" } } as KubeObject);
        assert(Object.isFrozen(read) && Object.isFrozen(read.requirements.requiredTags));
      },
    ),
  );
});
