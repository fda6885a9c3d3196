import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { sameConsumer } from "../../src/claims/claim.ts";
import { decide } from "../../src/claims/decide.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { HostProfile } from "../../src/hosts/profile.ts";
import { profileForKind, profileForMachineKind, profiles } from "../../src/hosts/profiles.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { bareMetalHost, physicalHost } from "../fixtures/objects.ts";

type Ref = Record<string, unknown> | undefined;
type Maker = (consumerRef: Ref) => KubeObject;

const beskar7: Maker = (consumerRef) => physicalHost(consumerRef === undefined ? {} : { consumerRef });
const metal3: Maker = (consumerRef) => bareMetalHost(consumerRef === undefined ? {} : { consumerRef });
const bmh = profileForKind("BareMetalHost")!;

const ref = (name: string, more: Record<string, string> = {}) => ({
  kind: "Beskar7Machine",
  namespace: "default",
  name,
  ...more,
});
const m3 = (name: string, more: Record<string, string> = {}) => ({
  kind: "Metal3Machine",
  namespace: "default",
  name,
  ...more,
});
const cluster = (name: string) => ({
  kind: "Cluster",
  namespace: "default",
  name,
  apiVersion: "cluster.x-k8s.io/v1beta1",
});

describe("a write of a host", () => {
  const cases: [fact: string, profile: HostProfile, make: Maker, before: Ref, after: Ref, want: string][] = [
    ["from nobody to a machine is a claim", physicalHostProfile, beskar7, undefined, ref("a"), "claim"],
    ["from an empty reference to a machine is a claim", physicalHostProfile, beskar7, {}, ref("a"), "claim"],
    ["from a reference without a name is a claim", physicalHostProfile, beskar7, ref(""), ref("a"), "claim"],
    ["to nobody is a release", physicalHostProfile, beskar7, ref("a"), undefined, "release"],
    [
      "to a reference without a name is a release",
      physicalHostProfile,
      beskar7,
      ref("a"),
      { kind: "X" },
      "release",
    ],
    ["to another machine is a steal", physicalHostProfile, beskar7, ref("a"), ref("b"), "steal"],
    [
      "to the same name of another uid is a steal",
      physicalHostProfile,
      beskar7,
      ref("a", { uid: "1" }),
      ref("a", { uid: "2" }),
      "steal",
    ],
    [
      "to the same name in another namespace is a steal",
      physicalHostProfile,
      beskar7,
      ref("a"),
      ref("a", { namespace: "b" }),
      "steal",
    ],
    [
      "that adds a uid is a completion",
      physicalHostProfile,
      beskar7,
      ref("a"),
      ref("a", { uid: "1" }),
      "completion",
    ],
    [
      "that fills in the kind is a completion",
      physicalHostProfile,
      beskar7,
      { name: "a", namespace: "default" },
      ref("a"),
      "completion",
    ],
    ["that changes nothing is none", physicalHostProfile, beskar7, ref("a"), ref("a"), "none"],
    ["that nobody has is none", physicalHostProfile, beskar7, {}, undefined, "none"],
    ["from a machine to its cluster is a reservation", bmh, metal3, m3("a"), cluster("c"), "reservation"],
    ["from a cluster to a machine is a claim", bmh, metal3, cluster("c"), m3("a"), "claim"],
    ["from a cluster to nobody is a release", bmh, metal3, cluster("c"), undefined, "release"],
    ["that leaves a reservation as it is is none", bmh, metal3, cluster("c"), cluster("c"), "none"],
    ["from one cluster to another is a claim", bmh, metal3, cluster("c"), cluster("d"), "claim"],
    [
      "from a machine to a cluster is a steal where no kind is reserved",
      physicalHostProfile,
      beskar7,
      ref("a"),
      cluster("c"),
      "steal",
    ],
  ];
  for (const [fact, profile, make, before, after, want] of cases) {
    it(`${fact} (${profile.hostType.kind})`, () =>
      assert.equal(profile.transition(make(before), make(after)).transition, want));
  }

  it("says who has the host afterwards, and nobody while it is only reserved", () => {
    assert.equal(bmh.transition(metal3(cluster("c")), metal3(m3("a"))).consumer?.name, "a");
    assert.equal(bmh.transition(metal3(m3("a")), metal3(cluster("c"))).consumer, null);
    assert.equal(bmh.transition(metal3(m3("a")), metal3(undefined)).consumer, null);
  });

  it("may cross namespaces for Metal3's own HostClaim only", () => {
    const hostClaim = { kind: "HostClaim", namespace: "tenant", name: "x", apiVersion: "metal3.io/v1alpha1" };
    const crosses = (consumerRef: Ref, make: Maker, profile: HostProfile) =>
      profile.transition(make(undefined), make(consumerRef)).mayCrossNamespaces;
    assert.equal(crosses(hostClaim, metal3, bmh), true);
    assert.equal(crosses({ ...hostClaim, apiVersion: "evil.example/v1" }, metal3, bmh), false);
    assert.equal(crosses(m3("a"), metal3, bmh), false);
    assert.equal(crosses(hostClaim, beskar7, physicalHostProfile), false);
  });
});

describe("any pair of references", () => {
  const word = fc.constantFrom(undefined, "", "a", "b", 7, null, {});
  const kind = fc.constantFrom(
    undefined,
    "",
    "Beskar7Machine",
    "Metal3Machine",
    "Cluster",
    "HostClaim",
    "ClaimRequest",
  );
  const anyRef = fc.oneof(
    { arbitrary: fc.record({ kind, namespace: word, name: word, uid: word, apiVersion: word }), weight: 9 },
    { arbitrary: fc.constantFrom(undefined, {}, null, "text", []), weight: 1 },
  ) as fc.Arbitrary<Ref>;

  for (const profile of profiles) {
    const make = profile.hostType.kind === "PhysicalHost" ? beskar7 : metal3;

    it(`has exactly the transition that its readings imply (${profile.hostType.kind})`, () => {
      fc.assert(
        fc.property(anyRef, anyRef, (before, after) => {
          const [oldObject, newObject] = [make(before), make(after)];
          const [oldHost, newHost] = [profile.readHost(oldObject), profile.readHost(newObject)];
          const { transition, consumer } = profile.transition(oldObject, newObject);
          const held = oldHost.consumer;
          const wants = newHost.consumer;
          if (oldHost.reservedFor !== null && newHost.reservedFor !== null) {
            const changes = transition !== "none" && transition !== "completion";
            return assert.deepEqual(
              [transition, consumer?.kind],
              changes ? ["claim", "Cluster"] : [transition, undefined],
            );
          }
          assert.deepEqual(consumer, wants);
          if (wants !== null && held === null) return assert.equal(transition, "claim");
          if (wants !== null && held !== null && !sameConsumer(held, wants))
            return assert.equal(transition, "steal");
          if (wants !== null) return assert(transition === "completion" || transition === "none");
          if (newHost.reservedFor !== null) return assert.equal(transition, "reservation");
          const hadSomething = held !== null || oldHost.reservedFor !== null;
          assert.equal(transition, hadSomething ? "release" : "none");
        }),
        { numRuns: 5_000 },
      );
    });

    it(`is none when both are the same, and then only (${profile.hostType.kind})`, () => {
      fc.assert(
        fc.property(anyRef, anyRef, (before, after) => {
          assert.equal(profile.transition(make(before), make(structuredClone(before))).transition, "none");
          const there = profile.transition(make(before), make(after)).transition;
          const back = profile.transition(make(after), make(before)).transition;
          assert.equal(there === "none", back === "none");
        }),
        { numRuns: 2_000 },
      );
    });
  }

  it("the core never sees a claim or steal without a consumer, nor a steal from nobody", () => {
    fc.assert(
      fc.property(anyRef, anyRef, (before, after) => {
        for (const profile of profiles) {
          const make = profile.hostType.kind === "PhysicalHost" ? beskar7 : metal3;
          const { transition, consumer } = profile.transition(make(before), make(after));
          if (transition === "claim" || transition === "steal") assert(consumer !== null);
          if (transition === "steal") assert(profile.readHost(make(before)).consumer !== null);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

it("a host that is kept for one cluster can't be kept for another: the core rejects it as reserved", () => {
  const [before, after] = [metal3(cluster("c")), metal3(cluster("d"))];
  const attempt = {
    ...bmh.transition(before, after),
    host: bmh.readHost(before),
    requesterIsHolder: true,
    intentTerm: null,
  };
  const nobody = { holder: { kind: "none" } as const, heldElsewhere: () => null, displaced: () => null };
  const decision = decide(attempt, nobody);
  assert(!decision.allow);
  assert.equal(decision.rejection.reason, "HostUnavailable");
});

it("a profile is found by the kind of its hosts and of its machines", () => {
  for (const profile of profiles) {
    assert.equal(profileForKind(profile.hostType.kind), profile);
    assert.equal(profileForMachineKind(profile.machineKind), profile);
  }
  assert.equal(profileForKind("Node"), undefined);
});
