/**
 * How fast 10,000 PhysicalHosts of 3 KB arrive from a real API server, what they cost in memory, and how soon a
 * server that was killed and started again is followed.
 */

import type { Host } from "../../src/claims/claim.ts";
import { sleep, systemClock } from "../../src/clock.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { createKubeApi, type KubeClient } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { Mirror } from "../../src/kube/mirror.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { type ControlPlane, startControlPlane } from "../controlplane/index.ts";
import { sandboxCrds } from "../fixtures/crds.ts";
import { physicalHost } from "../fixtures/objects.ts";
import type { Bench, Row } from "./main.ts";
import { heapBytes } from "./measure.ts";

const HOSTS = 10_000;
const FEW_HOSTS = 10;
const WRITERS = 32;

export const mirrorBench: Bench = {
  name: "mirror",
  async run() {
    const plane = await startControlPlane();
    const config = loadKubeConfig({ kubeconfig: plane.kubeconfigFile() });
    const api = createKubeApi({ config, version: "bench", timeoutMs: 30_000 });
    const stop = new AbortController();
    try {
      await installHosts(api);
      await createHosts(api, 0, FEW_HOSTS);
      const few = await measureFew(api, plane);
      const objectBytes = await createHosts(api, FEW_HOSTS, HOSTS);
      return [
        ...few,
        { figure: "size of a PhysicalHost, as JSON", value: objectBytes, unit: "bytes", limit: null },
        ...(await measure(api, plane, stop.signal)),
      ];
    } finally {
      stop.abort();
      api.close();
      await plane.stop();
    }
  },
};

async function measureFew(api: KubeClient, plane: ControlPlane): Promise<Row[]> {
  const stop = new AbortController();
  try {
    return await restart(api, plane, await follow(api, stop.signal), stop.signal);
  } finally {
    stop.abort();
  }
}

async function measure(api: KubeClient, plane: ControlPlane, signal: AbortSignal): Promise<Row[]> {
  // Once before, so that neither connecting nor compiling is counted.
  await api.list(PHYSICAL_HOSTS, { limit: 500 });
  const startedAtMs = performance.now();
  const mirror = await follow(api, signal);
  const listMs = performance.now() - startedAtMs;

  const againAtMs = performance.now();
  await mirror.refresh(signal);
  const refreshMs = performance.now() - againAtMs;

  // What a second one adds, since the first took the place of what creating the hosts had left behind.
  const before = heapBytes();
  const second = await follow(api, signal);
  const addedBytes = heapBytes() - before;
  if (second.size !== HOSTS) throw new Error(`the mirror has ${second.size} hosts`);
  return [
    { figure: "10,000 PhysicalHosts listed", value: listMs, unit: "ms", limit: 2_000 },
    { figure: "listed again, nothing changed", value: refreshMs, unit: "ms", limit: null },
    { figure: "heap that the mirror adds", value: addedBytes, unit: "bytes", limit: 15_000_000 },
    ...(await restart(api, plane, mirror, signal)),
  ];
}

async function follow(api: KubeClient, signal: AbortSignal): Promise<Mirror<Host>> {
  const mirror = new Mirror<Host>({
    api,
    type: PHYSICAL_HOSTS,
    clock: systemClock,
    log: silentLog,
    random: Math.random,
    project: (object) => physicalHostProfile.readHost(object),
  });
  mirror.start(signal);
  await mirror.whenSynced(signal);
  return mirror;
}

/**
 * From the moment the server is ready again to the first change that is seen of it. Though ready, it refuses watches
 * until it has read all hosts into its cache.
 */
async function restart(
  api: KubeClient,
  plane: ControlPlane,
  mirror: Mirror<Host>,
  signal: AbortSignal,
): Promise<Row[]> {
  await plane.killApiServer();
  await plane.startApiServer();
  const readyAtMs = performance.now();
  const watchable = firstWatch(api, mirror.resourceVersion);
  const key = { namespace: "default", name: "host-0" };
  const patched = await api.patch(PHYSICAL_HOSTS, key, {
    type: "merge",
    body: { metadata: { labels: { seen: "yes" } } },
  });
  await mirror.caughtUpTo(patched.metadata.resourceVersion ?? "", signal);
  const followedAtMs = performance.now();
  if (mirror.get("default/host-0")?.labels.seen !== "yes") throw new Error("the event was lost");
  const watchableAtMs = await watchable;
  const figure = `${mirror.size} hosts, killed API server`;
  return [
    {
      figure: `${figure} followed again after it is ready`,
      value: followedAtMs - readyAtMs,
      unit: "ms",
      limit: null,
    },
    {
      figure: `${figure} takes watches after it is ready`,
      value: watchableAtMs - readyAtMs,
      unit: "ms",
      limit: null,
    },
    {
      figure: `${figure} followed again after it takes watches`,
      value: followedAtMs - watchableAtMs,
      unit: "ms",
      limit: 3_000,
    },
  ];
}

/** Resolves with the first moment, of performance.now(), at which the server takes a watch. */
async function firstWatch(api: KubeClient, resourceVersion: string): Promise<number> {
  for (;;) {
    const stop = new AbortController();
    const opened = Promise.withResolvers<number>();
    const onOpen = () => opened.resolve(performance.now());
    const watch = api.watch(PHYSICAL_HOSTS, { resourceVersion, signal: stop.signal, onOpen, onEvent() {} });
    watch.catch(opened.reject);
    try {
      return await opened.promise;
    } catch {
      await sleep(systemClock, 20);
    } finally {
      stop.abort();
    }
  }
}

async function installHosts(api: KubeClient): Promise<void> {
  const crd = sandboxCrds().find(
    (one) => (one.spec as { names: { kind: string } }).names.kind === "PhysicalHost",
  )!;
  await api.create(CUSTOM_RESOURCE_DEFINITIONS, crd);
  for (;;) {
    try {
      await api.list(PHYSICAL_HOSTS);
      return;
    } catch {
      await sleep(systemClock, 50);
    }
  }
}

async function createHosts(api: KubeClient, from: number, to: number): Promise<number> {
  let next = from;
  let bytes = 0;
  const write = async () => {
    for (let i = next++; i < to; i = next++) {
      const { metadata, ...host } = physicalHost({
        name: `host-${i}`,
        labels: { zone: `z${i % 4}` },
        size: "3KB",
      });
      const { name, namespace, labels } = metadata;
      const created = await api.create(PHYSICAL_HOSTS, {
        ...host,
        metadata: { name, namespace: namespace!, labels: labels! },
      });
      const stored: KubeObject = await api.update(
        PHYSICAL_HOSTS,
        { ...created, status: host.status },
        { subresource: "status" },
      );
      bytes = JSON.stringify(stored).length;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  return bytes;
}
