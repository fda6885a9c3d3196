import { readFileSync } from "node:fs";
import { sleep, systemClock } from "../../src/clock.ts";
import { isGone, isNotFound, KubeError } from "../../src/kube/errors.ts";
import { LEASES, NAMESPACES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import type { LeaseRecord } from "../../src/leader/lease.ts";
import { LEASE_NAME, LEASE_NAMESPACE } from "../e2e/rig.ts";
import { changeCertificates } from "./certificates.ts";
import type { ChaosCluster } from "./cluster.ts";
import type { Link } from "./link.ts";
import type { Member } from "./member.ts";
import type { Fault, PlannedFault } from "./schedule.ts";

/**
 * done             it was seen to strike: something was ended, held back, refused or forgotten by it
 * without effect   it was done, and there was nothing in its way
 * no target        all that it could strike were down, or struck already
 */
export type Outcome = "done" | "without effect" | "no target";

/** Resolves when the fault is over. Rejects when it can't be done: nothing but an absent API server excuses that. */
export type Deed = (cluster: ChaosCluster, fault: PlannedFault) => Promise<Outcome>;

/** How long a fault goes on waiting for somebody to strike, and then for something in its way. */
const PATIENCE_MS = 15_000;
/** Replicas look at their Secret every ten seconds, and a new authority takes two looks and the wait between them. */
const CERTIFICATES_WITHIN_MS = 40_000;
const LOOK_MS = 100;
/** A claim that nobody keeps back is stored long before. */
const LATE_MS = 3_000;
/** What a server that is told to end gets. */
const GRACE_MS = 3_000;
/** Longer than a server that is not frozen takes for a read. */
const ANSWER_WITHIN_MS = 1_000;

export const DEEDS: Record<Fault, Deed> = {
  kill: (cluster, { target, lastsMs }) =>
    uponMember(cluster, target, async (member) => {
      const pid = member.pids.at(-1)!;
      await member.kill();
      const ended = processState(pid) === "";
      await pause(lastsMs);
      await member.launch();
      return ended;
    }),
  freeze: (cluster, { target, lastsMs }) =>
    uponMember(cluster, target, async (member) => {
      member.freeze();
      await pause(lastsMs);
      const stands = processState(member.pids.at(-1)!) === "T";
      member.thaw();
      return stands;
    }),
  partition: (cluster, fault) =>
    uponMember(cluster, fault.target, ({ outward }) => disturb(outward, fault), "outward"),
  reviews: (cluster, fault) =>
    uponMember(cluster, fault.target, ({ inward }) => disturb(inward, fault), "inward"),
  "no-leader": async (cluster, { lastsMs, mood }) => {
    const links = cluster.members.filter(({ stands }) => stands).map(({ outward }) => outward);
    while (links.some((link) => link.mood !== "open")) {
      await Promise.all(links.map((link) => link.untilOpen()));
    }
    // A slow one still renews its Lease.
    for (const link of links) link.set(mood === "slow" ? "silent" : mood);
    try {
      await pause(lastsMs);
      return seen(await within(PATIENCE_MS, async () => hasRunOut(await cluster.lease())));
    } finally {
      for (const link of links) link.set("open");
    }
  },
  "late-storage": async ({ pools }, { lastsMs }) => {
    const held = () => pools.reduce((sum, { behind }) => sum + behind.held, 0);
    const bindings = () =>
      pools
        .flatMap(({ stored }) => stored.requests())
        .filter(({ phase }) => phase === "Binding")
        .map(({ resourceVersion }) => resourceVersion);
    const before = held();
    for (const { behind } of pools) behind.holdAgain();
    await pause(lastsMs - LATE_MS);
    const met = await within(PATIENCE_MS, async () => {
      const standing = new Set(bindings());
      await pause(LATE_MS);
      // It is asked about what our webhook refuses, too: a claim is kept back where a binding stands and stands.
      return held() > before && bindings().some((version) => standing.has(version));
    });
    for (const { behind } of pools) behind.release();
    return seen(met);
  },
  "controller-partition": async ({ contenders }, fault) => {
    const link = await first(
      contenders,
      numbered(fault.target),
      (contender) => contender.link.mood === "open",
    );
    return link === undefined ? "no target" : seen(await disturb(link.link, fault));
  },
  "controller-restart": async ({ contenders }, { target }) => {
    contenders[numbered(target) % contenders.length]!.restart();
    return "done";
  },
  // A server that still runs keeps the port from its successor, which then does not get ready.
  "api-server-kill": async ({ rig }, { lastsMs }) => {
    await rig.plane.killApiServer();
    await pause(lastsMs);
    await rig.plane.startApiServer();
    return "done";
  },
  "api-server-restart": async ({ rig }) => {
    await rig.plane.restartApiServer(GRACE_MS);
    return "done";
  },
  "api-server-freeze": async ({ rig }, { lastsMs }) => {
    rig.plane.freezeApiServer();
    await pause(lastsMs);
    const answered = await rig.admin
      .get(NAMESPACES, { name: LEASE_NAMESPACE }, { timeoutMs: ANSWER_WITHIN_MS })
      .then(
        () => true,
        (error) => !(error instanceof KubeError && error.code === "KUBE_TIMEOUT"),
      );
    rig.plane.thawApiServer();
    return seen(!answered);
  },
  "etcd-restart": async ({ rig }) => {
    await rig.plane.restartEtcd();
    return "done";
  },
  certificates: async ({ rig, members }, { how }) => {
    const served = () => members.reduce((sum, { renewals }) => sum + renewals, 0);
    const before = served();
    if (!(await changeCertificates(rig.admin, rig.balancer.port, how))) return "no target";
    return seen(await within(CERTIFICATES_WITHIN_MS, () => served() > before));
  },
  "lease-deleted": async (cluster) => {
    if (!(await within(PATIENCE_MS, async () => (await cluster.lease()) !== null))) return "no target";
    try {
      await cluster.rig.admin.delete(LEASES, { namespace: LEASE_NAMESPACE, name: LEASE_NAME });
      return "done";
    } catch (error) {
      if (isNotFound(error)) return "no target";
      throw error;
    }
  },
  compaction: async ({ rig, timeline, members }, { target }) => {
    // Who is cut off finds the history gone; the one that is checked must be there, and then beyond it.
    const cut = members.map(({ outward }) => outward).filter(({ mood }) => mood === "open");
    const link = cut[numbered(target) % cut.length];
    link?.set("silent");
    try {
      await timeline.settle();
      const { metadata } = await rig.admin.list(PHYSICAL_HOSTS, {});
      // No further: should the API server go now, the history that is checked must still go on where it was.
      await rig.plane.compact(await timeline.settle());
      await timeline.settle();
      const { resourceVersion } = metadata;
      const then = rig.admin.list(PHYSICAL_HOSTS, { resourceVersion, resourceVersionMatch: "Exact" });
      return seen(await then.then(() => false, isGone));
    } finally {
      // Not opened alone: its connections would have lost nothing.
      link?.set("reset");
      link?.set("open");
    }
  },
};

function seen(effect: boolean): Outcome {
  return effect ? "done" : "without effect";
}

async function uponMember(
  cluster: ChaosCluster,
  target: PlannedFault["target"],
  act: (member: Member) => Promise<boolean>,
  link?: "inward" | "outward",
): Promise<Outcome> {
  const { members } = cluster;
  const leader = target === "leader" ? await cluster.leader() : undefined;
  const from = leader === undefined ? numbered(target) : members.indexOf(leader);
  const member = await first(
    members,
    from,
    (each) => each.running && !each.frozen && (link === undefined || each[link].mood === "open"),
  );
  return member === undefined ? "no target" : seen(await act(member));
}

/** The first that can be struck, from this one on and round; waits for one. */
async function first<T>(all: readonly T[], from: number, can: (each: T) => boolean): Promise<T | undefined> {
  let found: T | undefined;
  await within(PATIENCE_MS, () => {
    found = all.map((_, nth) => all[(from + nth) % all.length]!).find(can);
    return found !== undefined;
  });
  return found;
}

/** For its time, and then until it was in somebody's way. */
async function disturb(link: Link, { mood, delayMs, lastsMs }: PlannedFault): Promise<boolean> {
  const before = link.hindered;
  link.set(mood, delayMs);
  await pause(lastsMs);
  const met = await within(PATIENCE_MS, () => link.hindered > before);
  link.set("open");
  return met;
}

function hasRunOut(lease: LeaseRecord | null): boolean {
  if (lease === null || lease.holderIdentity === "") return true;
  return Date.parse(lease.renewTime) + lease.leaseDurationSeconds * 1_000 < systemClock.wallMs();
}

/** As the kernel says: "T" for one that is stopped, "" for one that is gone. */
function processState(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    return status.slice(status.lastIndexOf(")") + 2, status.lastIndexOf(")") + 3);
  } catch {
    return "";
  }
}

async function within(limitMs: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const untilMs = systemClock.monotonicMs() + limitMs;
  for (;;) {
    if (await condition()) return true;
    if (systemClock.monotonicMs() > untilMs) return false;
    await pause(LOOK_MS);
  }
}

function numbered(target: PlannedFault["target"]): number {
  return target === "leader" ? 0 : target;
}

function pause(ms: number): Promise<void> {
  return sleep(systemClock, ms);
}
