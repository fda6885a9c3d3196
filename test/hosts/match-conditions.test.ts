import assert from "node:assert/strict";
import { it } from "node:test";
import { evaluate } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { profiles } from "../../src/hosts/profiles.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { matchConditions } from "../../webhooks/registration.ts";

// What the host CRDs let through: a reference of strings, or none. The API server checks the schema before it asks.
const word = fc.constantFrom(undefined, "", "a", "b");
const reference = fc.option(
  fc.record({
    kind: fc.constantFrom(undefined, "", "Beskar7Machine", "Metal3Machine", "Cluster", "HostClaim"),
    namespace: word,
    name: word,
    uid: word,
  }),
  { nil: undefined },
);

function hostWith(consumerRef: object | undefined): KubeObject {
  const stored = JSON.parse(JSON.stringify({ consumerRef }));
  return { metadata: { name: "host-1", namespace: "a" }, spec: stored };
}

for (const profile of profiles) {
  const { kind } = profile.hostType;
  const reservationKind = kind === "BareMetalHost" ? "Cluster" : "";
  const conditions = matchConditions({ machineKind: profile.machineKind, reservationKind });

  it(`the API server asks about a ${kind} exactly when the profile sees a claim or a steal`, () => {
    fc.assert(
      fc.property(reference, reference, (before, after) => {
        const [oldObject, object] = [hostWith(before), hostWith(after)];
        const asked = conditions.every(
          ({ expression }) => evaluate(expression, { object, oldObject }) === true,
        );
        const { transition } = profile.transition(oldObject, object);
        // A nameless reference to a cluster is nobody's, but costs only a question to be sure of.
        if (asked && transition === "reservation") return assert.equal(before?.kind, "Cluster");
        assert.equal(asked, transition === "claim" || transition === "steal");
      }),
      { numRuns: 2_000 },
    );
  });
}
