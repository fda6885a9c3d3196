import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { freeTimesMs } from "../../src/workload/checks.ts";
import type { HostEvent } from "../../src/workload/history.ts";
import { Arena } from "../contention/arena.ts";
import type { Pool } from "../contention/pool.ts";
import { createRequests, inParallel, numbered, percentile } from "./contention-load.ts";
import { type Curve, growthChart } from "./growth-chart.ts";
import type { Bench, Row } from "./main.ts";

const DEFAULT_LEASE = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const SINGLE_BINDS = 30;
const RATE_SECONDS = 5;
/** Beyond what one replica binds a second where the machine has nothing else to do, so that the knee is among them. */
const RATES = [5, 10, 20, 40, 60, 80, 100, 120];

/**
 * How the time from a free host to a bound one grows with the hosts, the queue, the replicas and the rate, on a real
 * API server on this machine. `GROWTH_SVG=docs/growth.svg` draws the curves too.
 */
export const growthBench: Bench = {
  name: "growth",
  onlyNamed: true,
  async run(): Promise<Row[]> {
    const curves = [
      await measured("hosts, all but one of them taken", [100, 1_000, 5_000], (x) => latency({ hosts: x })),
      await measured("claims that wait", [10, 100, 1_000, 10_000], (x) => latency({ waiting: x })),
      await measured("replicas", [1, 2, 3, 5], (x) => latency({ replicas: x })),
      await measured("hosts that become free a second", RATES, (x) => latency({ rate: x })),
    ];
    const { GROWTH_SVG } = process.env;
    if (GROWTH_SVG !== undefined) writeFileSync(GROWTH_SVG, growthChart(curves.map(({ curve }) => curve)));
    return curves.flatMap(({ rows }) => rows);
  },
};

/** What happened to the hosts of one point. */
interface Bound {
  /** How long each host that became free stood so, milliseconds. */
  readonly freeMs: readonly number[];
  /** How fast they came and went, from the first that was free to the last that was bound; null where each waited. */
  readonly rate: { readonly freed: number; readonly bound: number } | null;
}

async function measured(
  name: string,
  values: readonly number[],
  measure: (x: number) => Promise<Bound>,
): Promise<{ curve: Curve; rows: Row[] }> {
  const points: Curve["points"][number][] = [];
  const rows: Row[] = [];
  for (const x of values) {
    const { freeMs, rate } = await measure(x);
    const [p50Ms, worstMs] = [percentile(freeMs, 50), Math.max(...freeMs)];
    points.push({ x, p50Ms, worstMs });
    const told = (figure: string, value: number, unit: string) =>
      rows.push({ figure: `${x} ${name}: ${figure}`, value, unit, limit: null });
    told("from free to bound, p50", p50Ms, "ms");
    // No p99: most points have 30 samples.
    told(`from free to bound, worst of ${freeMs.length}`, worstMs, "ms");
    if (rate === null) continue;
    told("freed, in fact", rate.freed, "/s");
    told("bound", rate.bound, "/s");
  }
  return { curve: { name, points }, rows };
}

interface Load {
  /** Hosts that are there and not to be had. */
  readonly hosts?: number;
  readonly waiting?: number;
  readonly replicas?: number;
  /** Hosts that become free a second; absent: each when the one before is bound. */
  readonly rate?: number;
}

async function latency({ hosts = 0, waiting = 500, replicas = 3, rate }: Load): Promise<Bound> {
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
    return { freeMs: freeTimesMs(pool.events), rate: rate === undefined ? null : ratesOf(pool) };
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

/** As a watcher sees it: an API server with too much to do tells later that a host is free, too. */
function ratesOf({ events }: Pool): { freed: number; bound: number } {
  const freedAtMs = firsts(events, ({ host }) => host.unavailable === "" && host.consumer === null);
  const boundAtMs = firsts(events, ({ host }) => host.consumer !== null);
  const perSecond = (atMs: readonly number[]) =>
    (1_000 * (atMs.length - 1)) / (Math.max(...atMs) - Math.min(...freedAtMs));
  return { freed: perSecond(freedAtMs), bound: perSecond(boundAtMs) };
}

/** When each host first was so. */
function firsts(events: readonly HostEvent[], is: (event: HostEvent) => boolean): number[] {
  const at = new Map(
    events
      .filter(is)
      .toReversed()
      .map(({ host, atMs }) => [host.uid, atMs]),
  );
  return [...at.values()];
}
