import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { freeTimesMs } from "../../src/workload/checks.ts";
import { Arena } from "../contention/arena.ts";
import type { Pool } from "../contention/pool.ts";
import { createRequests, inParallel, numbered, percentile } from "./contention-load.ts";
import { type Curve, growthChart } from "./growth-chart.ts";
import type { Bench, Row } from "./main.ts";

const DEFAULT_LEASE = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const SINGLE_BINDS = 30;
const RATE_SECONDS = 5;

/**
 * How the time from a free host to a bound one grows with the hosts, the queue, the replicas and the rate, on a real
 * API server on this machine. `GROWTH_SVG=docs/growth.svg` draws the curves too.
 */
export const growthBench: Bench = {
  name: "growth",
  onlyNamed: true,
  async run(): Promise<Row[]> {
    const curves: Curve[] = [
      await curve("hosts, all but one of them taken", [100, 1_000, 5_000], (x) => latency({ hosts: x })),
      await curve("claims that wait", [10, 100, 1_000, 10_000], (x) => latency({ waiting: x })),
      await curve("replicas", [1, 2, 3, 5], (x) => latency({ replicas: x })),
      await curve("hosts that become free a second", [5, 10, 20, 40, 60], (x) => latency({ rate: x })),
    ];
    const { GROWTH_SVG } = process.env;
    if (GROWTH_SVG !== undefined) writeFileSync(GROWTH_SVG, growthChart(curves));
    return curves.flatMap(({ name, points }) =>
      points.flatMap(({ x, p50Ms, p99Ms }) => [
        { figure: `${x} ${name}: from free to bound, p50`, value: p50Ms, unit: "ms", limit: null },
        { figure: `${x} ${name}: from free to bound, p99`, value: p99Ms, unit: "ms", limit: null },
      ]),
    );
  },
};

async function curve(
  name: string,
  values: readonly number[],
  measure: (x: number) => Promise<number[]>,
): Promise<Curve> {
  const points: Curve["points"][number][] = [];
  for (const x of values) {
    const times = await measure(x);
    points.push({ x, p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) });
  }
  return { name, points };
}

interface Load {
  /** Hosts that are there and not to be had. */
  readonly hosts?: number;
  readonly waiting?: number;
  readonly replicas?: number;
  /** Hosts that become free a second; absent: each when the one before is bound. */
  readonly rate?: number;
}

/** How long each host that became free stood so, milliseconds. */
async function latency({ hosts = 0, waiting = 500, replicas = 3, rate }: Load): Promise<number[]> {
  const arena = await Arena.start(0);
  try {
    const pool = await arena.pool("growth");
    const count = rate === undefined ? SINGLE_BINDS : rate * RATE_SECONDS;
    const spare = numbered("host", count);
    await inParallel([...spare, ...numbered("busy", hosts)], (name) =>
      pool.objects.host(name, { state: "Inspecting" }),
    );
    await createRequests(arena.rig.admin, pool.namespace, numbered("request", Math.max(waiting, count)));
    for (let i = 0; i < replicas; i++) await arena.addReplica(DEFAULT_LEASE);
    await arena.leader();
    await (rate === undefined ? oneByOne(pool, spare) : atRate(pool, spare, rate));
    await pool.checkSafety();
    return freeTimesMs(pool.events);
  } finally {
    await arena.stop();
  }
}

async function oneByOne(pool: Pool, hosts: readonly string[]): Promise<void> {
  for (const [i, host] of hosts.entries()) {
    await pool.free(host);
    await pool.untilBound(i + 1);
  }
}

/** Whatever becomes of those before: a slow answer must not slow the question down. */
async function atRate(pool: Pool, hosts: readonly string[], rate: number): Promise<void> {
  const startedMs = performance.now();
  const freed: Promise<void>[] = [];
  for (const [i, host] of hosts.entries()) {
    await sleep(Math.max(0, startedMs + (i * 1_000) / rate - performance.now()));
    freed.push(pool.free(host));
  }
  await Promise.all(freed);
  await pool.untilBound(hosts.length);
}
