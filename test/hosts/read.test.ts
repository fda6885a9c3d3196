import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fits } from "../../src/claims/requirements.ts";
import { hardwareOfMetal3, hardwareOfReport, parseCapacityGB } from "../../src/hosts/hardware.ts";
import { profileForKind, profiles } from "../../src/hosts/profiles.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { inspectionReport, metal3Hardware } from "../fixtures/bulk.ts";
import {
  bareMetalHost,
  beskar7Machine,
  metal3Machine,
  physicalHost,
  referenceTo,
} from "../fixtures/objects.ts";

const beskar7 = profileForKind("PhysicalHost")!;
const metal3 = profileForKind("BareMetalHost")!;
const HOSTS_BY_RACK: readonly Record<string, string>[] = [{ rack: "a" }, { rack: "b" }, {}];

describe("a host", () => {
  it("is read with its identity, labels and consumer", () => {
    const machine = beskar7Machine({ name: "m", namespace: "metal" });
    const object = physicalHost({
      namespace: "metal",
      labels: { gpu: "" },
      consumerRef: referenceTo(machine),
    });
    const host = beskar7.readHost(object);
    assert.deepEqual(host.labels, { gpu: "" });
    assert.deepEqual(host.consumer, referenceTo(machine));
    assert.equal(host.uid, object.metadata.uid);
    assert.equal(host.resourceVersion, "1");
  });

  it("that a typed Go client claimed has a consumer of the profile's machine kind, in its own namespace", () => {
    const host = beskar7.readHost(physicalHost({ namespace: "metal", consumerRef: { kind: "", name: "m" } }));
    assert.deepEqual(host.consumer, {
      apiVersion: "",
      kind: "Beskar7Machine",
      namespace: "metal",
      name: "m",
      uid: "",
    });
  });

  const availability: [fact: string, object: KubeObject, want: string][] = [
    ["Available", physicalHost(), ""],
    ["in error", physicalHost({ state: "Error" }), "state is Error"],
    ["not enrolled yet", physicalHost({ state: "" }), "state is not known yet"],
    ["paused", physicalHost({ annotations: { "cluster.x-k8s.io/paused": "" } }), "it is paused"],
    ["of Metal3 and available", bareMetalHost(), ""],
    ["of Metal3 and ready, as older operators say", bareMetalHost({ state: "ready" }), ""],
    [
      "of Metal3 and provisioned",
      bareMetalHost({ state: "provisioned" }),
      "provisioning state is provisioned",
    ],
    [
      "of Metal3 and externally provisioned",
      bareMetalHost({ state: "externally provisioned" }),
      "provisioning state is externally provisioned",
    ],
    [
      "of Metal3 with an error",
      bareMetalHost({ errorType: "registration error", errorMessage: "no route, try 7" }),
      "it reports a registration error",
    ],
    [
      "of Metal3 and paused",
      bareMetalHost({ annotations: { "baremetalhost.metal3.io/paused": "metal3.io/capm3" } }),
      "it is paused",
    ],
    [
      "of Metal3 and unhealthy",
      bareMetalHost({ annotations: { "capm3.metal3.io/unhealthy": "" } }),
      "it is marked unhealthy",
    ],
    [
      "of Metal3 and unhealthy, by the older name",
      bareMetalHost({ annotations: { "capi.metal3.io/unhealthy": "" } }),
      "it is marked unhealthy",
    ],
  ];
  for (const [fact, object, want] of availability) {
    it(`${fact}: ${want === "" ? "can be claimed" : want}`, () => {
      const profile = object.kind === "PhysicalHost" ? beskar7 : metal3;
      assert.equal(profile.readHost(object).unavailable, want);
    });
  }

  it("that is kept for a cluster is held by nobody and open to that cluster's machines only", () => {
    const consumerRef = {
      kind: "Cluster",
      namespace: "default",
      name: "blue",
      apiVersion: "cluster.x-k8s.io/v1beta1",
    };
    const host = metal3.readHost(bareMetalHost({ consumerRef }));
    assert.equal(host.consumer, null);
    assert.equal(metal3.readConsumerRef(bareMetalHost({ consumerRef })), null);
    assert.equal(fits(metal3.readMachine(metal3Machine({ cluster: "blue" })).requirements, host), true);
    assert.equal(fits(metal3.readMachine(metal3Machine({ cluster: "red" })).requirements, host), false);
  });

  it("that is being deleted says so", () => {
    for (const object of [physicalHost({ deleting: true }), bareMetalHost({ deleting: true })]) {
      assert.equal(profileForKind(object.kind!)!.readHost(object).deleting, true);
    }
  });
});

describe("hardware", () => {
  it("is the sum of an inspection's lists", () => {
    assert.deepEqual(hardwareOfReport(inspectionReport("3KB")), {
      cpuCores: 64,
      memoryGB: 256,
      diskGB: 3840,
    });
    assert.deepEqual(hardwareOfMetal3(metal3Hardware("3KB")), { cpuCores: 64, memoryGB: 256, diskGB: 3840 });
  });

  it("is unknown before an inspection, and in the parts that a report is silent about", () => {
    assert.equal(hardwareOfReport(undefined), null);
    assert.equal(hardwareOfMetal3(undefined), null);
    assert.deepEqual(hardwareOfReport({ cpus: [{ cores: 8 }], memory: [{ capacity: "?" }] }), {
      cpuCores: 8,
      memoryGB: null,
      diskGB: null,
    });
  });

  const capacities: [text: string, gb: number | undefined][] = [
    ["32GB", 32],
    ["32 GiB", 32],
    ["32", 32],
    ["1.5TB", 1536],
    ["65536MB", 64],
    ["32gb", 32],
    ["", undefined],
    ["lots", undefined],
    ["-3GB", undefined],
    ["32GB!", undefined],
  ];
  for (const [text, gb] of capacities) {
    it(`a capacity of ${JSON.stringify(text)} is ${gb} GB`, () => assert.equal(parseCapacityGB(text), gb));
  }
});

describe("a Beskar7Machine", () => {
  it("waits exactly while its condition says so and it has no host", () => {
    assert.equal(beskar7.readMachine(beskar7Machine({ waiting: true })).waits, true);
    assert.equal(beskar7.readMachine(beskar7Machine()).waits, false);
    assert.equal(
      beskar7.readMachine(beskar7Machine({ waiting: true, providerID: "b7://default/host-1" })).waits,
      false,
    );
    const other = beskar7Machine();
    other.status = {
      conditions: [
        { type: "PhysicalHostAssociated", status: "False", reason: "PhysicalHostAssociationFailed" },
      ],
    };
    assert.equal(beskar7.readMachine(other).waits, false);
  });

  it("asks for what its annotations and its hardware requirements say", () => {
    const machine = beskar7.readMachine(
      beskar7Machine({
        annotations: {
          "beskar7.io/required-tags": "gpu",
          "beskar7.io/required-labels": "zone=a",
          "claims.beskar7.io/priority": "7",
        },
        hardwareRequirements: { minCPUCores: 8, minMemoryGB: 64 },
      }),
    );
    assert.deepEqual(machine.requirements.requiredTags, ["gpu"]);
    assert.deepEqual(machine.requirements.requiredLabels, { zone: "a" });
    assert.equal(machine.requirements.minCPUCores, 8);
    assert.equal(machine.requirements.minMemoryGB, 64);
    assert.equal(machine.requirements.minDiskGB, 0);
    assert.equal(machine.explicitPriority, 7);
    assert.equal(machine.bonusPoints, 7, "tags cost the simplicity bonus");
    assert.equal(machine.createdAtMs, Date.UTC(2026, 0, 1));
    assert.deepEqual(machine.problems, []);
  });

  it("with malformed annotations still counts, and says what is malformed", () => {
    const annotations = { "claims.beskar7.io/priority": "high", "beskar7.io/required-tags": "gpu,??" };
    const machine = beskar7.readMachine(beskar7Machine({ annotations }));
    assert.equal(machine.explicitPriority, 0);
    assert.deepEqual(machine.requirements.requiredTags, ["gpu"]);
    assert.equal(machine.problems.length, 2);
  });

  it("is paused by the annotation, whatever its value", () => {
    assert.equal(
      beskar7.readMachine(beskar7Machine({ annotations: { "cluster.x-k8s.io/paused": "" } })).paused,
      true,
    );
    assert.equal(beskar7.readMachine(beskar7Machine()).paused, false);
  });
});

describe("a Metal3Machine", () => {
  it("waits once its association failed, not before its bootstrap data is ready, nor with a host", () => {
    assert.equal(metal3.readMachine(metal3Machine({ waiting: true })).waits, true);
    const early = metal3Machine();
    early.status = {
      conditions: [{ type: "AssociateBMH", status: "False", reason: "WaitingForBootstrapReady" }],
    };
    assert.equal(metal3.readMachine(early).waits, false);
    const annotations = { "metal3.io/BareMetalHost": "default/host-1" };
    assert.equal(metal3.readMachine(metal3Machine({ waiting: true, annotations })).waits, false);
  });

  it("fits the hosts that its selector matches, in every spelling of the operators", () => {
    const machineOf = (operator: string, values?: string[]) =>
      metal3.readMachine(
        metal3Machine({ hostSelector: { matchExpressions: [{ key: "rack", operator, values }] } }),
      );
    const fitting = (operator: string, values?: string[]) =>
      HOSTS_BY_RACK.map((labels) =>
        fits(machineOf(operator, values).requirements, metal3.readHost(bareMetalHost({ labels }))),
      );
    for (const operator of ["In", "in", "=="])
      assert.deepEqual(fitting(operator, ["a"]), [true, false, false]);
    for (const operator of ["NotIn", "notin", "!="])
      assert.deepEqual(fitting(operator, ["a"]), [false, true, true]);
    assert.deepEqual(fitting("Exists"), [true, true, false]);
    for (const operator of ["DoesNotExist", "!"]) assert.deepEqual(fitting(operator), [false, false, true]);
  });

  for (const operator of ["Gt", "AbsentOrIn", "constructor", "__proto__"]) {
    it(`with the operator ${operator}, which no selector has, fits no host, and says so`, () => {
      const hostSelector = { matchExpressions: [{ key: "rack", operator, values: ["4"] }] };
      const machine = metal3.readMachine(metal3Machine({ hostSelector }));
      assert.equal(
        fits(machine.requirements, metal3.readHost(bareMetalHost({ labels: { rack: "4" } }))),
        false,
      );
      assert.match(machine.problems.join(), new RegExp(`operator "${operator}" of rack is unknown`));
    });
  }
});

it("whatever an API server may store is read without an exception", () => {
  const junk = fc.object({
    maxDepth: 4,
    key: fc.constantFrom(
      "spec",
      "status",
      "consumerRef",
      "conditions",
      "hostSelector",
      "matchExpressions",
      "inspectionReport",
      "memory",
      "hardware",
      "provisioning",
      "name",
      "x",
    ),
  });
  fc.assert(
    fc.property(junk, junk, (spec, status) => {
      const object = { metadata: { name: "x" }, spec, status } as unknown as KubeObject;
      for (const profile of profiles) {
        profile.readHost(object);
        profile.readMachine(object);
        profile.transition(object, { metadata: { name: "x" }, spec: status } as unknown as KubeObject);
      }
    }),
    { numRuns: 3_000 },
  );
});
