import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ClaimWrite, HostProfile } from "../../src/hosts/profile.ts";
import { profileForKind } from "../../src/hosts/profiles.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import {
  type ControlPlane,
  expectOk,
  skipWithoutControlPlane,
  startControlPlane,
} from "../controlplane/index.ts";
import { sandboxCrds } from "../fixtures/crds.ts";
import {
  bareMetalHost,
  beskar7Machine,
  metal3Machine,
  physicalHost,
  referenceTo,
} from "../fixtures/objects.ts";

const suite = "hosts as the real API server stores them";

describe(suite, { skip: await skipWithoutControlPlane(suite) }, () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane();
    const crds = sandboxCrds();
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for (const body of crds) expectOk(await plane.call("POST", definitions, { body }));
    const names = crds.map(({ metadata }) => `crd/${metadata.name}`);
    const established = await plane.kubectl([
      "wait",
      "--for=condition=Established",
      "--timeout=30s",
      ...names,
    ]);
    assert.equal(established.code, 0, established.stderr);
  });
  after(() => plane.stop());

  const urlOf = ({ hostType: { group, version, plural } }: HostProfile, name = "") =>
    `/apis/${group}/${version}/namespaces/default/${plural}${name && `/${name}`}`;

  async function stored(object: KubeObject): Promise<KubeObject> {
    const { uid, resourceVersion, creationTimestamp, ...metadata } = object.metadata;
    const profile = profileForKind(object.kind!)!;
    const created = expectOk(await plane.call("POST", urlOf(profile), { body: { ...object, metadata } }));
    const body = { ...created, status: object.status };
    return expectOk(await plane.call("PUT", `${urlOf(profile, metadata.name)}/status`, { body }));
  }

  const patch = (profile: HostProfile, name: string, body: unknown) =>
    plane.call("PATCH", urlOf(profile, name), { body, contentType: "application/merge-patch+json" });

  /** What two writes of one host have in common: all but versions, times and who wrote what. */
  function comparable({ metadata, spec }: KubeObject) {
    const { labels, annotations } = metadata;
    return { labels: labels ?? {}, annotations: annotations ?? {}, spec };
  }

  function writeOf(profile: HostProfile, object: KubeObject, more: Partial<ClaimWrite> = {}): ClaimWrite {
    const machine = profile.readMachine(object);
    const { apiVersion, kind, namespace, name, uid } = machine;
    return {
      consumer: { apiVersion, kind, namespace, name, uid },
      machine,
      attemptedRef: null,
      annotations: {},
      ...more,
    };
  }

  const beskar7 = profileForKind("PhysicalHost")!;
  const metal3 = profileForKind("BareMetalHost")!;
  const current = beskar7Machine({ name: "m" });
  const older = beskar7Machine({ name: "m", imageURL: "https://images.example/os.iso" });
  const m3 = metal3Machine({ name: "m", cluster: "blue" });
  const { uid: _, ...m3Reference } = referenceTo(m3);
  const { kind: __, apiVersion: ___, ...bareReference } = referenceTo(older);
  const kept = {
    labels: { "infrastructure.cluster.x-k8s.io/node-reuse": "md-workers" },
    consumerRef: {
      kind: "Cluster",
      namespace: "default",
      name: "blue",
      apiVersion: "cluster.x-k8s.io/v1beta1",
      uid: "u",
    },
  };

  const claims: [
    fact: string,
    host: KubeObject,
    write: ClaimWrite,
    controller: (host: KubeObject) => KubeObject,
  ][] = [
    [
      "current Beskar7",
      physicalHost({ name: "current" }),
      writeOf(beskar7, current),
      (host) => ({ ...host, spec: { ...(host.spec as object), consumerRef: referenceTo(current) } }),
    ],
    [
      "Beskar7 v0.3.4, in the form of its own attempt",
      physicalHost({ name: "older" }),
      writeOf(beskar7, older, { attemptedRef: bareReference }),
      (host) => {
        const bootIsoSource = "https://images.example/os.iso";
        return { ...host, spec: { ...(host.spec as object), consumerRef: bareReference, bootIsoSource } };
      },
    ],
    [
      "cluster-api-provider-metal3, as far as the claim goes",
      bareMetalHost({ name: "metal3" }),
      writeOf(metal3, m3),
      (host) => ({
        ...host,
        metadata: { ...host.metadata, labels: { "cluster.x-k8s.io/cluster-name": "blue" } },
        spec: { ...(host.spec as object), consumerRef: m3Reference },
      }),
    ],
    [
      "cluster-api-provider-metal3 on a host that was kept for the cluster",
      bareMetalHost({ name: "kept", ...kept }),
      writeOf(metal3, m3),
      (host) => ({
        ...host,
        metadata: { ...host.metadata, labels: { "cluster.x-k8s.io/cluster-name": "blue" } },
        spec: { ...(host.spec as object), consumerRef: m3Reference },
      }),
    ],
  ];
  for (const [controllerName, object, write, controller] of claims) {
    it(`a claim leaves what ${controllerName} would have written, and is read as its holding`, async () => {
      const profile = profileForKind(object.kind!)!;
      const free = await stored(object);
      const twinName = `${object.metadata.name}-twin`;
      const twin = await stored({ ...object, metadata: { ...object.metadata, name: twinName } });
      const byController = expectOk(
        await plane.call("PUT", urlOf(profile, twinName), { body: controller({ ...twin, spec: free.spec }) }),
      );
      const claimed: KubeObject = expectOk(
        await patch(profile, object.metadata.name, profile.claimPatch(profile.readHost(free), write)),
      );
      assert.deepEqual(comparable(claimed), comparable(byController));
      assert.deepEqual(claimed.status, free.status);
      const { transition, consumer } = profile.transition(free, claimed);
      assert.equal(transition, "claim");
      assert.equal(consumer?.name, "m");
      assert.equal(profile.readHost(claimed).consumer?.name, "m");
    });

    it(`a claim as by ${controllerName} fails on any other version of the host`, async () => {
      const profile = profileForKind(object.kind!)!;
      const name = `${object.metadata.name}-moved`;
      const free = await stored({ ...object, metadata: { ...object.metadata, name } });
      expectOk(await patch(profile, name, { metadata: { labels: { moved: "" } } }));
      const late = await patch(profile, name, profile.claimPatch(profile.readHost(free), write));
      assert.equal(late.code, 409);
    });
  }

  it("a release takes the reference, what came with it, and the stamps, and nothing else", async () => {
    for (const [, object, write] of claims.slice(0, 3)) {
      const profile = profileForKind(object.kind!)!;
      const name = `${object.metadata.name}-released`;
      const annotations = {
        "claims.beskar7.io/mode": "leader",
        "beskar7.io/claimed-by": "default/m",
        mine: "stays",
      };
      const free = await stored({ ...object, metadata: { ...object.metadata, name } });
      const claim = profile.claimPatch(profile.readHost(free), { ...write, annotations });
      const claimed: KubeObject = expectOk(await patch(profile, name, claim));
      const released: KubeObject = expectOk(
        await patch(profile, name, profile.releasePatch(profile.readHost(claimed))),
      );
      assert.deepEqual(comparable(released), { ...comparable(free), annotations: { mine: "stays" } });
      assert.equal(profile.transition(claimed, released).transition, "release");
    }
  });

  it("a release ends a provisioned BareMetalHost's image, so that its operator deprovisions it", async () => {
    const object = bareMetalHost({
      name: "used",
      consumerRef: m3Reference,
      image: { url: "https://i.example/a" },
    });
    const used = await stored({ ...object, status: { provisioning: { state: "provisioned" } } });
    const released: KubeObject = expectOk(
      await patch(metal3, "used", metal3.releasePatch(metal3.readHost(used))),
    );
    assert.equal((released.spec as { image?: unknown }).image, undefined);
    assert.equal(metal3.readHost(released).unavailable, "provisioning state is provisioned");
  });

  it("a ClaimRequest binds a host to itself by its full reference", async () => {
    const consumer = { apiVersion: "", kind: "ClaimRequest", namespace: "default", name: "mine", uid: "u-1" };
    for (const object of [physicalHost({ name: "self" }), bareMetalHost({ name: "self" })]) {
      const profile = profileForKind(object.kind!)!;
      const free = await stored(object);
      const write = { consumer, machine: null, attemptedRef: null, annotations: {} };
      const claimed = expectOk(
        await patch(profile, "self", profile.claimPatch(profile.readHost(free), write)),
      );
      assert.deepEqual(claimed.spec.consumerRef, { ...consumer, apiVersion: "claims.beskar7.io/v1alpha1" });
    }
  });

  it("objects of every size are taken as they are", async () => {
    for (const size of ["3KB", "7KB"] as const) {
      for (const object of [
        physicalHost({ name: `size-${size.toLowerCase()}`, size }),
        bareMetalHost({ name: `size-${size.toLowerCase()}`, size }),
      ]) {
        const kept = await stored({ ...object, metadata: { ...object.metadata, managedFields: [] } });
        assert.deepEqual(kept.status, object.status);
      }
    }
  });
});
