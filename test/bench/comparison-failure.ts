import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { sleep, systemClock } from "../../src/clock.ts";
import { LEASES } from "../../src/kube/types.ts";
import { safetyViolations } from "../../src/workload/checks.ts";
import { Member } from "../chaos/member.ts";
import { Arena } from "../contention/arena.ts";
import type { Pool } from "../contention/pool.ts";
import { type Supervised, supervise } from "../controlplane/supervise.ts";
import { LEASE_NAME, LEASE_NAMESPACE, type Rig, until } from "../e2e/rig.ts";
import { comparedRows, type Told } from "./comparison-rows.ts";
import { inParallel, numbered, percentile } from "./contention-load.ts";
import type { Row } from "./main.ts";
import { unregister } from "./standard.ts";

const FAILURES = 5;
const CONTROLLERS = 3;
const REPLICAS = 3;
const POLL_MS = 20;
const CONTROLLER = join(import.meta.dirname, "controller-program.ts");
const SERVICE = join(import.meta.dirname, "../../src/main.ts");

/**
 * What a machine waits for its host that comes when a process has just been killed (SIGKILL): with this service the one
 * that leads; with the standard coordinator, which has no leader, one of the three controllers that all claim.
 */
export async function failureRows(failures = FAILURES): Promise<Row[]> {
  const standard = await withStandard(failures);
  return comparedRows("a process is killed", {
    standard,
    "leader election": await withLeader(failures),
  });
}

async function withStandard(failures: number): Promise<Told[]> {
  const arena = await Arena.start(0);
  const controllers: Supervised[] = [];
  try {
    await unregister(arena.rig);
    await startControllers(arena.rig, controllers);
    return await measure(arena, failures, async (nth) => {
      await controllers.shift()?.stop();
      return async () => void controllers.push(await startController(arena.rig, `beskar7-again-${nth}`));
    });
  } finally {
    for (const controller of controllers) await controller.stop();
    await arena.stop();
  }
}

async function withLeader(failures: number): Promise<Told[]> {
  const arena = await Arena.start(0);
  const { rig } = arena;
  const controllers: Supervised[] = [];
  const members: Member[] = [];
  const route = () => {
    const alive = members.filter(({ running }) => running);
    rig.balancer.setTargets(
      alive.map(({ inward }) => inward.port),
      { cut: true },
    );
  };
  try {
    for (let nth = 0; nth < REPLICAS; nth++) members.push(await startMember(rig, `coordinator-${nth}`));
    for (const member of members) await until(() => member.isReady());
    route();
    await startControllers(rig, controllers);
    let killed = "";
    const told = await measure(arena, failures, async () => {
      const { member, identity } = await leaderOf(rig, members, killed);
      killed = identity;
      await member.kill();
      route();
      return async () => {
        await member.launch();
        await until(() => member.isReady());
        route();
      };
    });
    return told;
  } finally {
    for (const process of [...members, ...controllers]) await process.stop();
    await arena.stop();
  }
}

/** `kill` ends a process; what it resolves to puts another one in its place. */
async function measure(
  arena: Arena,
  failures: number,
  kill: (nth: number) => Promise<() => Promise<void>>,
): Promise<Told[]> {
  const pool = await arena.pool("failure");
  // Without this service each controller may take one for the same machine.
  await inParallel(numbered("host", 2 * failures * CONTROLLERS), (name) => pool.objects.host(name));
  const before: number[] = [];
  const after: number[] = [];
  for (let nth = 0; nth < failures; nth++) {
    before.push(await bindMs(pool, `before-${nth}`, 2 * nth + 1));
    const replace = await kill(nth);
    after.push(await bindMs(pool, `after-${nth}`, 2 * nth + 2));
    await replace();
  }
  return [
    { figure: "from a machine to its host before, p50", value: percentile(before, 50), unit: "ms" },
    {
      figure: `from a machine to its host before, worst of ${failures}`,
      value: Math.max(...before),
      unit: "ms",
    },
    { figure: "from a machine to its host just after, p50", value: percentile(after, 50), unit: "ms" },
    {
      figure: `from a machine to its host just after, worst of ${failures}`,
      value: Math.max(...after),
      unit: "ms",
    },
    { figure: "times a machine had two hosts", value: safetyViolations(pool.events).length, unit: "" },
  ];
}

/** How long a new machine waits for its host; `boundBy` machines then have one. */
export async function bindMs(pool: Pool, machine: string, boundBy: number): Promise<number> {
  const startedMs = performance.now();
  await pool.objects.machine(machine);
  await pool.untilBound(boundBy);
  return performance.now() - startedMs;
}

async function startMember(rig: Rig, pod: string): Promise<Member> {
  return Member.start({
    rig,
    pod,
    program: { args: [SERVICE], env: {} },
    flags: [],
    stands: true,
    logs: "",
    violated(sentence) {
      throw new Error(sentence);
    },
  });
}

/** Whom the Lease names, once it is not the one that was killed before. */
async function leaderOf({ admin }: Rig, members: readonly Member[], killed: string) {
  for (;;) {
    const { spec } = await admin.get(LEASES, { namespace: LEASE_NAMESPACE, name: LEASE_NAME });
    const { holderIdentity: identity = "" } = spec as { holderIdentity?: string };
    const member = members.find(({ pod }) => identity.startsWith(`${pod}_`));
    if (member !== undefined && identity !== killed) return { member, identity };
    await sleep(systemClock, POLL_MS);
  }
}

async function startControllers(rig: Rig, controllers: Supervised[]): Promise<void> {
  for (let nth = 0; nth < CONTROLLERS; nth++) controllers.push(await startController(rig, `beskar7-${nth}`));
}

async function startController(rig: Rig, pod: string): Promise<Supervised> {
  const token = await rig.plane.podToken(LEASE_NAMESPACE, "beskar7", pod);
  const folder = join(rig.plane.folder, pod);
  mkdirSync(folder);
  const works = Promise.withResolvers<void>();
  const controller = await supervise(process.execPath, [CONTROLLER, rig.plane.kubeconfigFile({ token })], {
    logFile: join(folder, "stderr.log"),
    folder,
    onLine: () => works.resolve(),
  });
  void controller.exited.then((how) =>
    works.reject(new Error(`${pod} ended (${how}): ${controller.logTail()}`)),
  );
  await works.promise;
  return controller;
}
