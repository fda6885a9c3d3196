import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { sleep, systemClock } from "../../src/clock.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { createKubeApi, type KubeClient } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { isAlreadyExists, isConflict, isInvalid, isNotFound, type KubeError } from "../../src/kube/errors.ts";
import { whoAmI } from "../../src/kube/identity.ts";
import { Mirror, type MirrorChange, type MirrorOptions, type MirrorState } from "../../src/kube/mirror.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { type ControlPlane, skipWithoutControlPlane, startControlPlane } from "../controlplane/index.ts";
import { sandboxCrds } from "../fixtures/crds.ts";
import { physicalHost } from "../fixtures/objects.ts";

const name = "Client and mirror on a real API server";

describe(name, { skip: await skipWithoutControlPlane(name) }, () => {
  let plane: ControlPlane;
  let api: KubeClient;
  let stop: AbortController;
  let changes: MirrorChange<string>[];
  let changed: () => void;
  before(async () => {
    plane = await startControlPlane();
    api = createKubeApi({ config: loadKubeConfig({ kubeconfig: plane.kubeconfigFile() }), version: "test" });
  });
  after(async () => {
    api?.close();
    await plane?.stop();
  });
  beforeEach(() => {
    stop = new AbortController();
    changes = [];
    changed = () => {};
  });
  afterEach(() => stop.abort());

  /** What is kept of a host: the label that the tests write. */
  function follow(options: Partial<MirrorOptions<string>> = {}): Mirror<string> {
    const mirror = new Mirror<string>({
      api,
      type: PHYSICAL_HOSTS,
      clock: systemClock,
      log: silentLog,
      random: Math.random,
      project: ({ metadata }) => metadata.labels?.turn ?? "",
      onChange: (change) => {
        changes.push(change);
        changed();
      },
      ...options,
    });
    mirror.start(stop.signal);
    return mirror;
  }
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      changed = () => {
        if (condition()) resolve();
      };
      changed();
    });
  const inState = async (mirror: Mirror<string>, state: MirrorState) => {
    while (mirror.state !== state) await sleep(systemClock, 10);
  };
  const host = (hostName: string, turn = "0"): KubeObject => {
    const { apiVersion, kind, spec } = physicalHost({ name: hostName });
    return {
      apiVersion: apiVersion!,
      kind: kind!,
      spec,
      metadata: { name: hostName, namespace: "default", labels: { turn } },
    };
  };
  const write = (hostName: string, turn: string) =>
    api.patch(
      PHYSICAL_HOSTS,
      { namespace: "default", name: hostName },
      { type: "merge", body: { metadata: { labels: { turn } } } },
    );
  const turns = () => changes.map((change) => (change.type === "set" ? change.value : "gone"));

  it("finds a CRD that is missing, appears, and goes with its objects", async () => {
    const crd = sandboxCrds().find(({ metadata }) => metadata.name.startsWith("physicalhosts."))!;
    const hasty = {
      ...systemClock,
      schedule: (ms: number, fire: () => void) => systemClock.schedule(ms / 20, fire),
    };
    const mirror = follow({ clock: hasty });
    await mirror.whenSynced();
    assert.equal(mirror.state, "absent");
    await api.create(CUSTOM_RESOURCE_DEFINITIONS, crd);
    await inState(mirror, "following");
    await api.create(PHYSICAL_HOSTS, host("a"));
    await until(() => changes.length === 1);
    await api.delete(CUSTOM_RESOURCE_DEFINITIONS, { name: crd.metadata.name });
    await until(() => changes.length === 2);
    assert.deepEqual(turns(), ["0", "gone"]);
    await inState(mirror, "absent");
    const { metadata, ...rest } = crd;
    for (;;) {
      try {
        await api.create(CUSTOM_RESOURCE_DEFINITIONS, { ...rest, metadata: { name: metadata.name } });
        break;
      } catch (error) {
        assert.ok(isAlreadyExists(error) || isConflict(error));
      }
    }
    await inState(mirror, "following");
  });

  it("reads, writes and refuses as the contract says", async () => {
    const created = await api.create(PHYSICAL_HOSTS, host("w"));
    await assert.rejects(api.create(PHYSICAL_HOSTS, host("w")), isAlreadyExists);
    const newer = await write("w", "1");
    await assert.rejects(api.update(PHYSICAL_HOSTS, created), isConflict);
    await api.update(PHYSICAL_HOSTS, newer, { dryRun: true });
    const key = { namespace: "default", name: "w" };
    const stale = { preconditions: { resourceVersion: created.metadata.resourceVersion! } };
    await assert.rejects(api.delete(PHYSICAL_HOSTS, key, stale), isConflict);
    const apply = { type: "apply" as const, body: host("w", "2") };
    await assert.rejects(api.patch(PHYSICAL_HOSTS, key, apply, { fieldManager: "test" }), isConflict);
    const forced = await api.patch(PHYSICAL_HOSTS, key, { ...apply, force: true }, { fieldManager: "test" });
    assert.equal(forced.metadata.labels?.turn, "2");
    const bad = { type: "json" as const, body: [{ op: "replace", path: "/spec", value: 7 }] };
    await assert.rejects(api.patch(PHYSICAL_HOSTS, key, bad), isInvalid);
    await api.delete(PHYSICAL_HOSTS, key, { preconditions: { uid: created.metadata.uid! } });
    await assert.rejects(api.get(PHYSICAL_HOSTS, key), isNotFound);
  });

  it("knows the pod that its token is bound to", async () => {
    const token = await plane.podToken("default", "coordinator", "coordinator-7");
    const config = loadKubeConfig({ kubeconfig: plane.kubeconfigFile({ token }) });
    const pod = createKubeApi({ config, version: "test" });
    const { username, podName } = await whoAmI(pod);
    assert.deepEqual([username, podName], ["system:serviceaccount:default:coordinator", "coordinator-7"]);
    pod.close();
  });

  it("lists again when history was compacted away while its watch was broken", async () => {
    await api.create(PHYSICAL_HOSTS, host("c"));
    await api.create(PHYSICAL_HOSTS, host("d"));
    const mirror = follow();
    await mirror.whenSynced();
    await plane.killApiServer();
    await plane.startApiServer();
    await write("c", "1");
    await api.delete(PHYSICAL_HOSTS, { namespace: "default", name: "d" });
    await api.create(NAMESPACES, { metadata: { name: "move-the-version-on" } });
    await plane.compact();
    await until(() => mirror.get("default/c") === "1" && mirror.get("default/d") === undefined);
    assert.equal(changes.filter(({ key }) => key === "default/d").length, 2);
  });

  it("follows an API server that is killed and started again, and loses no event", async (t) => {
    await api.create(PHYSICAL_HOSTS, host("r"));
    const mirror = follow();
    await mirror.whenSynced();
    await write("r", "1");
    await until(() => turns().includes("1"));
    await plane.killApiServer();
    await plane.startApiServer();
    const answeredAtMs = systemClock.monotonicMs();
    const { metadata } = await write("r", "2");
    await until(() => mirror.get("default/r") === "2");
    t.diagnostic(`${Math.round(systemClock.monotonicMs() - answeredAtMs)} ms after it was ready`);
    assert.equal(await mirror.caughtUpTo(metadata.resourceVersion!, stop.signal), true);
    for (const turn of ["3", "4", "5"]) await write("r", turn);
    await until(() => mirror.get("default/r") === "5");
    assert.deepEqual(
      turns().filter((turn) => "345".includes(turn)),
      ["3", "4", "5"],
    );
  });

  it("replaces a watch whose server has stopped answering", async () => {
    await api.create(PHYSICAL_HOSTS, host("f"));
    const mirror = follow({ silentMs: 2_000 });
    await mirror.whenSynced();
    await inState(mirror, "following");
    plane.freezeApiServer();
    await assert.rejects(
      api.get(PHYSICAL_HOSTS, { namespace: "default", name: "f" }, { timeoutMs: 3_000 }),
      (error: KubeError) => error.code === "KUBE_TIMEOUT",
    );
    plane.thawApiServer();
    await write("f", "1");
    await until(() => mirror.get("default/f") === "1");
  });
});
