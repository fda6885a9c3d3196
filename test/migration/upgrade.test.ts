import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import { CLAIM_REQUESTS, CUSTOM_RESOURCE_DEFINITIONS, LEASES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { VERSION } from "../../src/version.ts";
import { type Json, skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects, phaseOf } from "../e2e/objects.ts";
import { LEASE_NAME, LEASE_NAMESPACE, until } from "../e2e/rig.ts";
import { type Bundle, buildBundle } from "../manifests/bundle.ts";
import { buildFormer, FORMER } from "./former.ts";
import type { Pod } from "./pod.ts";
import { Stage } from "./stage.ts";
import { Traffic } from "./traffic.ts";

const name = "a version upgrade, and the way back, under contending claims";
const CRD = { name: "claimrequests.claims.beskar7.io" };
const CLAIMS = 12;

const FORMER_FLAGS = ["--webhook-timeout=5s", "--max-concurrent-bindings=2"];

/**
 * The former version is installed with other flags, an older schema of ClaimRequests and an older registration; and
 * what any other version may have left in the cluster is written by hand. The steps build on one another.
 */
describe(name, { skip: await skipWithoutControlPlane(name), timeout: 280_000 }, () => {
  let stage: Stage;
  let former: Bundle;
  let current: Bundle;
  let traffic: Traffic;
  let legacy: Objects;

  before(async () => {
    [stage, former, current] = await Promise.all([Stage.start(), buildFormer(), buildBundle()]);
    const register = ["install", `--webhook-url=${stage.webhookUrl}`];
    await stage.command(former.file, ...register, "--webhook-timeout=5s");
    await forgetNewFields();
  });
  after(async () => {
    await traffic?.stop();
    await stage?.stop();
    former?.remove();
    current?.remove();
  });

  /** The schema as it was before these fields came. */
  async function forgetNewFields(): Promise<void> {
    const at = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties";
    const body = [
      ...["heldBackTerm", "lastAttempt", "releasedAt"].map((field) => ({
        op: "remove" as const,
        path: `${at}/${field}`,
      })),
      { op: "remove" as const, path: "/spec/versions/0/additionalPrinterColumns" },
    ];
    await stage.admin.patch(CUSTOM_RESOURCE_DEFINITIONS, CRD, { type: "json", body });
  }

  const versions = async () => {
    const all = await Promise.all(stage.pods.map((pod) => pod.metrics()));
    return all.map((text) => /build_info\{version="([^"]+)"/.exec(text)?.[1]).sort();
  };
  const errorsOf = (pod: Pod) => pod.lines.filter(({ level }) => level === "error");
  const addFormer = (pod: string) => stage.addPod(pod, former.file, "base", FORMER_FLAGS);
  const addCurrent = (pod: string) => stage.addPod(pod, current.file, "base");
  const aFormer = () => stage.pods.find(({ name: pod }) => pod.startsWith("former-"))!;
  const held = async (prefix: string) =>
    until(async () => (await stage.holder())?.startsWith(`${prefix}-`) === true);

  async function going(): Promise<void> {
    await traffic.claims(CLAIMS);
    await traffic.check();
    for (const pod of stage.pods) assert.deepEqual(errorsOf(pod), [], pod.name);
  }

  test("a Lease, hosts and requests as another version may have left them are read and served", async () => {
    legacy = await Objects.in(stage.admin, "legacy");
    const { namespace } = legacy;
    await stage.admin.create(LEASES, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name: LEASE_NAME,
        namespace: LEASE_NAMESPACE,
        annotations: { "claims.beskar7.io/v0": "x" },
      },
      // No transitions, no time of acquisition, an identity without a part that is unique.
      spec: { holderIdentity: "former", leaseDurationSeconds: 1, renewTime: "2025-01-01T00:00:00.000000Z" },
    } as KubeObject);
    await legacy.machine("settled");
    await legacy.host("held", {
      consumerRef: { kind: "", name: "settled", namespace: "" },
      annotations: {
        "claims.beskar7.io/mode": "queue",
        "claims.beskar7.io/term": "7",
        "claims.beskar7.io/receipt": "not.a.receipt",
        "claims.beskar7.io/priority": "high",
        "claims.beskar7.io/intent": "{",
      },
    });
    const request = (machine: string) => ({
      apiVersion: "claims.beskar7.io/v1alpha1",
      kind: "ClaimRequest",
      metadata: {
        name: `beskar7machine-${machine}`,
        namespace,
        labels: { "claims.beskar7.io/v0": "x" },
        finalizers: ["claims.beskar7.io/binding"],
      },
      spec: { consumerRef: { kind: "Beskar7Machine", name: machine } },
    });
    for (const machine of ["settled", "waits"]) await stage.admin.create(CLAIM_REQUESTS, request(machine));
    const bound = { status: { phase: "Bound", hostName: "held", conditions: [] } };
    const key = { namespace, name: "beskar7machine-settled" };
    await stage.admin.patch(CLAIM_REQUESTS, key, { type: "merge", body: bound }, { subresource: "status" });
    await legacy.machine("waits", { waiting: true });

    const pod = await addCurrent("heir-0");
    await pod.said("Became leader for claim coordination");
    await legacy.host("free");
    await until(async () => consumerOf(await legacy.getHost("free")) === "waits");
    await until(async () => phaseOf(await stage.admin.get(CLAIM_REQUESTS, key)) === "Bound");
    assert.equal(consumerOf(await legacy.getHost("held")), "settled");
    assert.deepEqual(errorsOf(pod), []);
    const body = [{ op: "remove" as const, path: "/spec/consumerRef" }];
    await stage.admin.patch(PHYSICAL_HOSTS, { namespace, name: "held" }, { type: "json", body });
    await stage.removePod(pod);
  });

  test("before: three replicas of the former version", async () => {
    for (let i = 0; i < 3; i++) await addFormer(`former-${i}`);
    traffic = await Traffic.start(stage, "contended");
    for (let i = 0; i < 3; i++) await traffic.addController();
    await held("former");
    assert.deepEqual(await versions(), [FORMER, FORMER, FORMER]);
    await going();
  });

  test("the new version's schema, rights and registration are applied under the old replicas", async () => {
    const before = await stage.admin.get(CUSTOM_RESOURCE_DEFINITIONS, CRD);
    const printed = await stage.command(current.file, "install", `--webhook-url=${stage.webhookUrl}`);
    assert.ok(printed.includes(`CustomResourceDefinition ${CRD.name} configured`), printed.join("\n"));
    assert.ok(printed.includes("MutatingWebhookConfiguration beskar7-claim-coordinator configured"));
    const [was, is] = [before, await stage.admin.get(CUSTOM_RESOURCE_DEFINITIONS, CRD)].map(
      ({ spec }) => (spec as Json).versions[0].schema.openAPIV3Schema.properties.status.properties,
    );
    assert.deepEqual([was.heldBackTerm, typeof is.heldBackTerm], [undefined, "object"]);
    await going();
  });

  test("old and new replicas work together", async () => {
    await addCurrent("current-0");
    await stage.removePod(aFormer());
    assert.deepEqual(await versions(), [FORMER, FORMER, VERSION]);
    await going();
    await addCurrent("current-1");
    await stage.removePod(aFormer());
    assert.deepEqual(await versions(), [FORMER, VERSION, VERSION]);
    await going();
  });

  test("the new version leads when the last old replica is gone, and every claim is known to it", async () => {
    await addCurrent("current-2");
    await stage.removePod(aFormer());
    await held("current");
    assert.deepEqual(await versions(), [VERSION, VERSION, VERSION]);
    await going();
    const next = await traffic.nextClaimed();
    assert.equal(next.metadata.annotations?.["claims.beskar7.io/mode"], "leader");
  });

  test("back: the former version takes over from the new one", async () => {
    for (const pod of [...stage.pods]) {
      await addFormer(`again-${pod.name}`);
      await stage.removePod(pod);
    }
    await held("again");
    assert.deepEqual(await versions(), [FORMER, FORMER, FORMER]);
    await going();
  });
});
