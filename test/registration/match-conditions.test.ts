import assert from "node:assert/strict";
import { test } from "node:test";
import { Environment } from "@marcbachmann/cel-js";
import { matchConditions } from "../../webhooks/registration.ts";
import { BARE_METAL_HOST_WRITES, type HostWrite, PHYSICAL_HOST_WRITES } from "./writes.ts";

const environment = new Environment({ unlistedVariablesAreDyn: true });

function isSent(conditions: ReturnType<typeof matchConditions>, write: HostWrite): boolean {
  const host = (consumerRef: HostWrite["to"]) => ({
    metadata: { namespace: "default" },
    spec: consumerRef === undefined ? {} : { consumerRef },
  });
  const variables = { object: host(write.to), oldObject: host(write.from) };
  return conditions.every(({ expression }) => environment.evaluate(expression, variables) === true);
}

const profiles = {
  PhysicalHost: {
    rules: { machineKind: "Beskar7Machine", reservationKind: "" },
    writes: PHYSICAL_HOST_WRITES,
  },
  BareMetalHost: {
    rules: { machineKind: "Metal3Machine", reservationKind: "Cluster" },
    writes: BARE_METAL_HOST_WRITES,
  },
};

for (const [kind, { rules, writes }] of Object.entries(profiles)) {
  for (const [name, write] of Object.entries(writes)) {
    test(`${kind}: ${name} is ${write.sent ? "sent" : "not sent"}`, () => {
      assert.equal(isSent(matchConditions(rules), write), write.sent);
    });
  }
}

test("a host without a spec meets no error in the conditions", () => {
  const conditions = matchConditions(profiles.PhysicalHost.rules);
  const bare = { metadata: { namespace: "default" } };
  for (const { expression } of conditions) {
    assert.equal(typeof environment.evaluate(expression, { object: bare, oldObject: bare }), "boolean");
  }
});
