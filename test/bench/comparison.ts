import { setTimeout as sleep } from "node:timers/promises";
import { MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { holdersOf, invertedPairs, safetyViolations } from "../../src/workload/checks.ts";
import { Arena } from "../contention/arena.ts";
import type { Pool } from "../contention/pool.ts";
import { prepareFortyTwenty, sinceFirstFreeMs } from "./contention.ts";
import { inParallel, numbered, percentile } from "./contention-load.ts";
import type { Bench, Row } from "./main.ts";

type Coordinator = "standard" | "leader election";

const SINGLE_CLAIMS = 20;
/** The standard coordinator's losers sleep a minute, so its runs go on at the same time. */
const RUNS = 3;
const DEFAULT_LEASE = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

/** The scenarios of the announcement's performance table, with the standard coordinator and with this service. */
export const comparisonBench: Bench = {
  name: "comparison",
  onlyNamed: true,
  async run(): Promise<Row[]> {
    const rows: Row[] = [];
    for (const coordinator of ["standard", "leader election"] as const) {
      rows.push(...(await singleController(coordinator)));
      rows.push(...(await multipleControllers(coordinator)));
      rows.push(...(await highContention(coordinator)));
    }
    rows.push(...(await leaderFailure()));
    return rows;
  },
};

/** One machine after the other, with free hosts to choose from. */
async function singleController(coordinator: Coordinator): Promise<Row[]> {
  const arena = await startArena(coordinator, 1);
  try {
    const pool = await arena.pool("single");
    // More than are needed: without the service even one controller, behind with its cache, may take two for a machine.
    await inParallel(numbered("host", 2 * SINGLE_CLAIMS), (name) => pool.objects.host(name));
    const times: number[] = [];
    for (const [i, name] of numbered("machine", SINGLE_CLAIMS).entries())
      times.push(await bindMs(pool, name, i + 1));
    const figure = `${coordinator}, one controller: from a machine to its host`;
    return [
      told(`${figure}, p50`, percentile(times, 50), "ms"),
      told(`${figure}, worst`, Math.max(...times), "ms"),
      told(
        `${coordinator}, one controller: machines that had two hosts`,
        safetyViolations(pool.events).length,
        "",
      ),
    ];
  } finally {
    await arena.stop();
  }
}

/** 20 machines at once for 60 free hosts: enough even where each of the controllers takes one for each machine. */
async function multipleControllers(coordinator: Coordinator): Promise<Row[]> {
  return inRuns(coordinator, "3 controllers, 20 machines, 60 free hosts", async (pool) => {
    await inParallel(numbered("host", 60), (name) => pool.objects.host(name));
    const startedMs = performance.now();
    await inParallel(numbered("machine", 20), (name) => pool.objects.machine(name));
    await pool.untilBound(20);
    return performance.now() - startedMs;
  });
}

async function highContention(coordinator: Coordinator): Promise<Row[]> {
  return inRuns(coordinator, "3 controllers, 40 machines, 20 hosts", async (pool, run) => {
    const hosts = await prepareFortyTwenty(pool);
    // The hosts come at any moment of the minute that the machines sleep.
    await sleep(((run + 0.5) / RUNS) * 60_000);
    await pool.free(...hosts);
    await pool.untilTaken(20);
    return sinceFirstFreeMs(pool);
  });
}

/** The leader is cut off with a machine waiting and a host about to be free. */
async function leaderFailure(): Promise<Row[]> {
  const arena = await startArena("leader election", 3);
  try {
    const pool = await arena.pool("failure");
    await inParallel(numbered("host", 2), (name) => pool.objects.host(name));
    const usualMs = await bindMs(pool, "machine-before", 1);
    const dead = await arena.leader();
    arena.unplug(dead);
    await arena.bury(dead);
    const withoutMs = await bindMs(pool, "machine-after", 2);
    await pool.checkSafety();
    return [
      told("leader election, before the leader fails: from a machine to its host", usualMs, "ms"),
      told("leader election, the leader has just failed: from a machine to its host", withoutMs, "ms"),
    ];
  } finally {
    await arena.stop();
  }
}

async function startArena(coordinator: Coordinator, controllers: number): Promise<Arena> {
  const arena = await Arena.start(0);
  if (coordinator === "standard") {
    await arena.rig.unregister(MUTATING_WEBHOOK_CONFIGURATIONS);
    await arena.rig.unregister(VALIDATING_WEBHOOK_CONFIGURATIONS);
  } else {
    for (let i = 0; i < 3; i++) await arena.addReplica(DEFAULT_LEASE);
    await arena.leader();
  }
  await arena.addControllers(controllers);
  return arena;
}

async function inRuns(
  coordinator: Coordinator,
  scenario: string,
  run: (pool: Pool, number: number) => Promise<number>,
): Promise<Row[]> {
  const arena = await startArena(coordinator, 3);
  const times: number[] = [];
  let inverted = 0;
  let unsafe = 0;
  const one = async (number: number) => {
    const pool = await arena.pool(`run-${number}`);
    times.push(await run(pool, number));
    inverted += invertedPairs(await pool.claims(), holdersOf(pool.hosts));
    unsafe += safetyViolations(pool.events).length;
  };
  try {
    const numbers = Array.from({ length: RUNS }, (_, number) => number);
    if (coordinator === "standard") await Promise.all(numbers.map(one));
    else for (const number of numbers) await one(number);
  } finally {
    await arena.stop();
  }
  const figure = `${coordinator}, ${scenario}:`;
  return [
    told(`${figure} all bound, p50`, percentile(times, 50), "ms"),
    told(`${figure} all bound, worst`, Math.max(...times), "ms"),
    told(`${figure} inverted pairs`, inverted, ""),
    told(`${figure} machines that had two hosts`, unsafe, ""),
  ];
}

/** How long a new machine waits for its host; `boundBy` then have one. */
async function bindMs(pool: Pool, machine: string, boundBy: number): Promise<number> {
  const startedMs = performance.now();
  await pool.objects.machine(machine);
  await pool.untilBound(boundBy);
  return performance.now() - startedMs;
}

function told(figure: string, value: number, unit: string): Row {
  return { figure, value, unit, limit: null };
}
