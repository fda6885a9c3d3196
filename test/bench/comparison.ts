import { setTimeout as sleep } from "node:timers/promises";
import { holdersOf, invertedPairs, safetyViolations } from "../../src/workload/checks.ts";
import { Arena } from "../contention/arena.ts";
import type { Pool } from "../contention/pool.ts";
import { bindMs, failureRows } from "./comparison-failure.ts";
import { type Coordinator, comparedRows, type Told } from "./comparison-rows.ts";
import { prepareFortyTwenty, sinceFirstFreeMs } from "./contention.ts";
import { inParallel, numbered, percentile } from "./contention-load.ts";
import type { Bench, Row } from "./main.ts";
import { unregister } from "./standard.ts";

const SINGLE_CLAIMS = 20;
/** The standard coordinator's losers sleep a minute, so its runs go on at the same time. */
const RUNS = 3;
const DEFAULT_LEASE = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

/** By name, in the order of the table. */
const SCENARIOS: Readonly<Record<string, (coordinator: Coordinator) => Promise<Told[]>>> = {
  "one controller": singleController,
  "3 controllers, 20 machines, 60 free hosts": multipleControllers,
  "3 controllers, 40 machines, 20 hosts": highContention,
};

/**
 * The scenarios of the announcement's performance table, with the standard coordinator and, right after it, with this
 * service.
 */
export const comparisonBench: Bench = {
  name: "comparison",
  onlyNamed: true,
  async run(): Promise<Row[]> {
    const rows: Row[] = [];
    for (const [scenario, play] of Object.entries(SCENARIOS)) {
      const standard = await play("standard");
      rows.push(...comparedRows(scenario, { standard, "leader election": await play("leader election") }));
    }
    return [...rows, ...(await failureRows())];
  },
};

/** One machine after the other, with free hosts to choose from. */
async function singleController(coordinator: Coordinator): Promise<Told[]> {
  const arena = await startArena(coordinator, 1);
  try {
    const pool = await arena.pool("single");
    // More than are needed: without the service even one controller, behind with its cache, may take two for a machine.
    await inParallel(numbered("host", 2 * SINGLE_CLAIMS), (name) => pool.objects.host(name));
    const times: number[] = [];
    for (const [i, name] of numbered("machine", SINGLE_CLAIMS).entries())
      times.push(await bindMs(pool, name, i + 1));
    return [
      { figure: "from a machine to its host, p50", value: percentile(times, 50), unit: "ms" },
      {
        figure: `from a machine to its host, worst of ${SINGLE_CLAIMS}`,
        value: Math.max(...times),
        unit: "ms",
      },
      { figure: "times a machine had two hosts", value: safetyViolations(pool.events).length, unit: "" },
    ];
  } finally {
    await arena.stop();
  }
}

/** 20 machines at once for 60 free hosts: enough even where each of the controllers takes one for each machine. */
async function multipleControllers(coordinator: Coordinator): Promise<Told[]> {
  return inRuns(coordinator, async (pool) => {
    await inParallel(numbered("host", 60), (name) => pool.objects.host(name));
    const startedMs = performance.now();
    await inParallel(numbered("machine", 20), (name) => pool.objects.machine(name));
    await pool.untilBound(20);
    return performance.now() - startedMs;
  });
}

async function highContention(coordinator: Coordinator): Promise<Told[]> {
  return inRuns(coordinator, async (pool, run) => {
    const hosts = await prepareFortyTwenty(pool);
    // The hosts come at any moment of the minute that the machines sleep.
    await sleep(((run + 0.5) / RUNS) * 60_000);
    await pool.free(...hosts);
    await pool.untilTaken(20);
    return sinceFirstFreeMs(pool);
  });
}

async function startArena(coordinator: Coordinator, controllers: number): Promise<Arena> {
  const arena = await Arena.start(0);
  if (coordinator === "standard") {
    await unregister(arena.rig);
  } else {
    for (let i = 0; i < 3; i++) await arena.addReplica(DEFAULT_LEASE);
    await arena.leader();
  }
  await arena.addControllers(controllers);
  return arena;
}

async function inRuns(
  coordinator: Coordinator,
  run: (pool: Pool, number: number) => Promise<number>,
): Promise<Told[]> {
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
  return [
    { figure: "all bound, p50", value: percentile(times, 50), unit: "ms" },
    { figure: `all bound, worst of ${RUNS}`, value: Math.max(...times), unit: "ms" },
    { figure: "inverted pairs", value: inverted, unit: "" },
    { figure: "times a machine had two hosts", value: unsafe, unit: "" },
  ];
}
