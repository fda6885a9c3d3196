import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { profiles } from "../../src/hosts/profiles.ts";
import type { KubeObject, ResourceType } from "../../src/kube/api.ts";
import { BARE_METAL_HOSTS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import {
  type Answer,
  type ControlPlane,
  skipWithoutControlPlane,
  startControlPlane,
} from "../controlplane/index.ts";
import { hostDefinition } from "../registration/host-definition.ts";
import { BARE_METAL_HOST_WRITES, type HostWrite, PHYSICAL_HOST_WRITES } from "../registration/writes.ts";
import { render } from "./kustomize.ts";

const name = "the policies of steal-guard on a real API server";
const TABLES: readonly [ResourceType, Readonly<Record<string, HostWrite>>][] = [
  [PHYSICAL_HOSTS, PHYSICAL_HOST_WRITES],
  [BARE_METAL_HOSTS, BARE_METAL_HOST_WRITES],
];

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane();
    const definitions = TABLES.map(([type]) => hostDefinition(type));
    await apply(definitions);
    for (const { metadata } of definitions) {
      const wait = ["wait", "--for=condition=Established", `crd/${metadata.name}`, "--timeout=60s"];
      assert.equal((await plane.kubectl(wait)).code, 0);
    }
    const policies = (await render("overlays/fail-open")).filter(({ kind }) =>
      kind?.startsWith("ValidatingAdmissionPolicy"),
    );
    assert.equal(policies.length, 4);
    await apply(policies);
    // Policies come into force a moment after they are written.
    for (const [type] of TABLES) await enforced(type);
  });
  after(() => plane?.stop());

  async function apply(objects: readonly object[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    const { code, stderr } = await plane.kubectl(["apply", "--server-side", "-f", "-"], {
      input: JSON.stringify(list),
    });
    assert.equal(code, 0, stderr);
  }

  const pathOf = (type: ResourceType) =>
    `/apis/${type.group}/${type.version}/namespaces/default/${type.plural}`;
  const host = (type: ResourceType, consumerRef: HostWrite["to"]): KubeObject => ({
    apiVersion: `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: { name: "host" },
    spec: consumerRef === undefined ? {} : { consumerRef },
  });

  /** The status of a write that takes a host from one reference to the other. */
  async function write(type: ResourceType, { from, to }: HostWrite): Promise<Answer> {
    await plane.call("DELETE", `${pathOf(type)}/host`);
    const created = await plane.call("POST", pathOf(type), { body: host(type, from) });
    assert.equal(created.code, 201, created.text);
    const { resourceVersion } = created.json().metadata;
    const body = host(type, to);
    body.metadata.resourceVersion = resourceVersion;
    return plane.call("PUT", `${pathOf(type)}/host`, { body });
  }

  async function enforced(type: ResourceType): Promise<void> {
    const steal = { from: { name: "a" }, to: { name: "b" }, sent: true };
    while ((await write(type, steal)).code !== 403);
  }

  for (const [type, writes] of TABLES) {
    test(`${type.kind}: every steal is forbidden, and no other write`, async () => {
      const profile = profiles.find(({ hostType }) => hostType === type);
      assert.ok(profile);
      for (const [what, each] of Object.entries(writes)) {
        const metadata = { name: "host", namespace: "default" };
        const [old, written] = [each.from, each.to].map((side) => ({ ...host(type, side), metadata }));
        const steals: boolean = profile.transition(old!, written!).transition === "steal";
        const { code, text } = await write(type, each);
        assert.equal(code, steals ? 403 : 200, `${what}: ${text}`);
      }
    });
  }

  test("the refusal names the holder", async () => {
    const steal = { from: { name: "a" }, to: { name: "b" }, sent: true };
    const { text } = await write(PHYSICAL_HOSTS, steal);
    assert.match(text, /host host is held by Beskar7Machine default\/a; it must be released first/);
  });
});
