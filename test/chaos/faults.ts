import { DEFAULT_ROTATION, type RotationStep, takeStep } from "../../certs/rotation.ts";
import { readState, writeState } from "../../certs/secret-state.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { servingNames } from "../../certs/serving-names.ts";
import { sleep, systemClock } from "../../src/clock.ts";
import { LEASES, SECRETS } from "../../src/kube/types.ts";
import { LEASE_NAME, LEASE_NAMESPACE } from "../e2e/rig.ts";
import type { ChaosCluster } from "./cluster.ts";
import type { Link } from "./link.ts";
import type { Member } from "./member.ts";
import type { Fault, PlannedFault } from "./schedule.ts";

/** Whether it was done: a replica that is down can't be killed. */
type Deed = (cluster: ChaosCluster, fault: PlannedFault) => Promise<boolean>;

/** How long a fault that is to strike in the middle of a claim waits for one. */
const BINDING_WITHIN_MS = 2_000;
/** What a server that is told to end gets. */
const GRACE_MS = 3_000;
const CERTIFICATES = "beskar7-claim-coordinator-certs";

const DEEDS: Record<Fault, Deed> = {
  kill: (cluster, { target, lastsMs }) =>
    upon(cluster, target, async (member) => {
      await member.kill();
      await pause(lastsMs);
      await member.launch();
    }),
  freeze: (cluster, { target, lastsMs }) =>
    upon(cluster, target, async (member) => {
      member.freeze();
      await pause(lastsMs);
      member.thaw();
    }),
  partition: (cluster, fault) =>
    upon(cluster, fault.target, (member) => disturb(member.outward, fault), "outward"),
  "no-leader": async ({ members }, fault) => {
    const candidates = members.filter((member) => member.stands && member.outward.mood === "open");
    await Promise.all(candidates.map((member) => disturb(member.outward, fault)));
    return candidates.length > 0;
  },
  reviews: (cluster, fault) =>
    upon(cluster, fault.target, (member) => disturb(member.inward, fault), "inward"),
  "late-storage": async ({ pools }, { lastsMs }) => {
    for (const { behind } of pools) behind.holdAgain();
    await pause(lastsMs);
    for (const { behind } of pools) behind.release();
    return true;
  },
  "controller-partition": async ({ contenders }, fault) => {
    const { link } = contenders[numbered(fault.target) % contenders.length]!;
    if (link.mood !== "open") return false;
    await disturb(link, fault);
    return true;
  },
  "controller-restart": async ({ contenders }, { target }) => {
    contenders[numbered(target) % contenders.length]!.restart();
    return true;
  },
  "api-server-kill": async ({ rig }, { lastsMs }) => {
    await rig.plane.killApiServer();
    await pause(lastsMs);
    await rig.plane.startApiServer();
    return true;
  },
  "api-server-restart": async ({ rig }) => {
    await rig.plane.restartApiServer(GRACE_MS);
    return true;
  },
  "api-server-freeze": async ({ rig }, { lastsMs }) => {
    rig.plane.freezeApiServer();
    await pause(lastsMs);
    rig.plane.thawApiServer();
    return true;
  },
  "etcd-restart": async ({ rig }) => {
    await rig.plane.restartEtcd();
    return true;
  },
  certificates: ({ rig }, { how }) => changeCertificates(rig.admin, rig.balancer.port, how),
  "lease-deleted": async ({ rig }) => {
    await rig.admin.delete(LEASES, { namespace: LEASE_NAMESPACE, name: LEASE_NAME });
    return true;
  },
  compaction: async ({ rig, timeline }) => {
    // Whoever is cut off now finds the history gone; the one that is checked must be there, and then beyond it.
    await timeline.settle();
    await rig.plane.compact();
    await timeline.settle();
    return true;
  },
};

/** Of these one at a time, and no queue of them: each needs the server that another one takes away. */
const ALONE: readonly Fault[] = [
  "api-server-kill",
  "api-server-restart",
  "api-server-freeze",
  "etcd-restart",
  "compaction",
];

/** Makes faults happen and says what became of them. */
export class Faults {
  readonly done = new Map<Fault, number>();
  /** Not to be had then: its target was down, or the API server was. */
  readonly missed = new Map<Fault, number>();
  readonly #cluster: ChaosCluster;
  readonly #note: (what: string) => void;
  #alone = false;

  constructor(cluster: ChaosCluster, note: (what: string) => void) {
    this.#cluster = cluster;
    this.#note = note;
  }

  /** Resolves when the fault is over. */
  async strike(planned: PlannedFault): Promise<void> {
    const { fault, moment } = planned;
    if (moment === "binding") await this.#cluster.untilBinding(BINDING_WITHIN_MS);
    this.#note(`${fault} begins: ${JSON.stringify(planned)}`);
    let happened: boolean;
    try {
      happened = await (ALONE.includes(fault)
        ? this.#doAlone(planned)
        : DEEDS[fault](this.#cluster, planned));
    } catch (error) {
      this.#note(`${fault}: ${error instanceof Error ? error.message : String(error)}`);
      happened = false;
    }
    const counts = happened ? this.done : this.missed;
    counts.set(fault, (counts.get(fault) ?? 0) + 1);
    this.#note(`${fault} is over${happened ? "" : ", it could not happen"}`);
  }

  async #doAlone(planned: PlannedFault): Promise<boolean> {
    if (this.#alone) return false;
    this.#alone = true;
    try {
      return await DEEDS[planned.fault](this.#cluster, planned);
    } finally {
      this.#alone = false;
    }
  }
}

async function upon(
  cluster: ChaosCluster,
  target: PlannedFault["target"],
  act: (member: Member) => Promise<void>,
  link?: "inward" | "outward",
): Promise<boolean> {
  const leader = target === "leader" ? await cluster.leader() : undefined;
  const member = leader ?? cluster.members[numbered(target) % cluster.members.length]!;
  if (!member.running || member.frozen || (link !== undefined && member[link].mood !== "open")) return false;
  await act(member);
  return true;
}

async function disturb(link: Link, { mood, delayMs, lastsMs }: PlannedFault): Promise<void> {
  link.set(mood, delayMs);
  await pause(lastsMs);
  link.set("open");
}

/** As another replica, a person who is careful, or one who is not, would do it. */
async function changeCertificates(
  api: ConstructorParameters<typeof SecretStore>[0]["api"],
  port: number,
  how: PlannedFault["how"],
): Promise<boolean> {
  const key = { namespace: LEASE_NAMESPACE, name: CERTIFICATES };
  if (how === "lose") {
    await api.delete(SECRETS, key);
    return true;
  }
  const store = new SecretStore({ api, ...key });
  const snapshot = await store.read();
  const read = readState(snapshot.data);
  if (!read.ok) return false;
  const names = servingNames({ url: `https://127.0.0.1:${port}` });
  const step: RotationStep = how === "renew" ? "issue-serving" : "prepare-authority";
  const policy = { ...DEFAULT_ROTATION, ...names };
  await store.write(snapshot, writeState(takeStep(read.state, step, systemClock.wallMs(), policy)));
  return true;
}

function numbered(target: PlannedFault["target"]): number {
  return target === "leader" ? 0 : target;
}

function pause(ms: number): Promise<void> {
  return sleep(systemClock, ms);
}
