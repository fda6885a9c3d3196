import { get } from "node:http";
import { join } from "node:path";
import { sleep, systemClock } from "../../src/clock.ts";
import { Member } from "../chaos/member.ts";
import { freePorts } from "../controlplane/ports.ts";
import { Rig, until } from "../e2e/rig.ts";
import { type Bundle, buildBundle } from "../manifests/bundle.ts";
import type { Bench, Row } from "./main.ts";
import { SoakLoad } from "./soak-load.ts";
import type { SoakSample } from "./soak-probe.ts";
import { curve, slopePerHour } from "./soak-trend.ts";

const MINUTES = Number(process.env.SOAK_MINUTES ?? "10");
const REPLICAS = 2;
const SAMPLE_MS = 10_000;
const SCRAPE_MS = 5_000;
/**
 * Megabytes of heap an hour, once warm: at three claims a second this is 600 bytes a claim, less than any object that
 * a claim could leave behind, and ten times what a full collection leaves to chance in ten minutes.
 */
const MOST_HEAP_MB_AN_HOUR = 6;
/** Entries of collections an hour: one that each claim leaves behind would be 10,800. */
const MOST_ENTRIES_AN_HOUR = 3_600;
const PROBE = join(import.meta.dirname, "soak-probe.ts");

interface Soaked {
  readonly member: Member;
  readonly probePort: number;
  readonly samples: (SoakSample & { readonly atMs: number })[];
}

/** Steady claims and releases on a real API server, and what two replicas of the service hold on to meanwhile. */
export const soakBench: Bench = {
  name: "soak",
  onlyNamed: true,
  async run() {
    const bundle = await buildBundle();
    const rig = await Rig.start();
    const soaked: Soaked[] = [];
    try {
      for (let nth = 0; nth < REPLICAS; nth++) soaked.push(await startReplica(rig, bundle, nth));
      rig.balancer.setTargets(soaked.map(({ member }) => member.inward.port));
      for (const { member } of soaked) await until(() => member.isReady());
      const load = await SoakLoad.start(rig);
      try {
        return await soak(soaked, load);
      } finally {
        await load.stop();
      }
    } finally {
      for (const { member } of soaked) await member.stop();
      await rig.stop();
      bundle.remove();
    }
  },
};

async function startReplica(rig: Rig, bundle: Bundle, nth: number): Promise<Soaked> {
  const [probePort = 0] = await freePorts(1);
  const member = await Member.start({
    rig,
    pod: `coordinator-${nth}`,
    program: {
      args: ["--import", PROBE, bundle.file],
      env: { ...bundle.env, SOAK_PROBE_PORT: String(probePort) },
    },
    flags: [],
    stands: true,
    logs: "",
    violated(sentence) {
      throw new Error(sentence);
    },
  });
  return { member, probePort, samples: [] };
}

async function soak(soaked: readonly Soaked[], load: SoakLoad): Promise<Row[]> {
  const end = new AbortController();
  const scraping = scrape(soaked, end.signal);
  // Whoever can't be read any more ends it all, and not the whole run of benches.
  scraping.catch((error: unknown) => end.abort(error));
  const beganMs = systemClock.monotonicMs();
  let warmAtMs = Number.POSITIVE_INFINITY;
  let warmClaims = 0;
  for (;;) {
    const atMs = systemClock.monotonicMs() - beganMs;
    if (load.warm && atMs < warmAtMs) {
      warmAtMs = atMs;
      warmClaims = load.claims;
    }
    if (atMs > warmAtMs + MINUTES * 60_000) break;
    for (const { probePort, samples } of soaked) samples.push({ ...(await probed(probePort)), atMs });
    await sleep(systemClock, SAMPLE_MS, end.signal);
  }
  end.abort();
  await scraping;
  const claimRate = (load.claims - warmClaims) / (MINUTES * 60);
  return [
    { figure: "to warm up", value: warmAtMs / 1_000, unit: "s", limit: null },
    { figure: "claims and releases a second, then", value: claimRate, unit: "/s", limit: null },
    ...soaked.flatMap(({ member, samples }) => {
      const shown = samples.map(({ heapBytes }) => heapBytes);
      const steady = samples.filter(({ atMs }) => atMs >= warmAtMs);
      const [low, high] = [Math.min(...shown), Math.max(...shown)];
      console.log(`  ${member.pod}: heap from ${inMB(low)} to ${inMB(high)}; "|" is where it is warm`);
      console.log(`    ${curve(shown).slice(0, -steady.length)}|${curve(shown).slice(-steady.length)}`);
      const largest = samples.at(-1)?.largest ?? [];
      console.log(`    largest: ${largest.map(({ size, key }) => `${size} (${key})`).join(", ")}`);
      return rowsOf(member.pod, steady);
    }),
  ];
}

function rowsOf(pod: string, samples: Soaked["samples"]): Row[] {
  const told = { limit: null };
  const series = (of: (sample: SoakSample) => number) =>
    samples.map((sample) => ({ atMs: sample.atMs, value: of(sample) }));
  const last = (of: (sample: SoakSample) => number) => series(of).at(-1)?.value ?? Number.NaN;
  const heapMB = (sample: SoakSample) => sample.heapBytes / 1e6;
  const residentMB = (sample: SoakSample) => sample.residentBytes / 1e6;
  const perHour = (of: (sample: SoakSample) => number) => slopePerHour(series(of));
  const slope = perHour(heapMB);
  return [
    { figure: `${pod}: heap after collection, at the end`, value: last(heapMB), unit: "MB", ...told },
    { figure: `${pod}: growth of the heap`, value: slope, unit: "MB/h", limit: MOST_HEAP_MB_AN_HOUR },
    {
      figure: `${pod}: spread of the heap around that line`,
      value: spread(series(heapMB), slope),
      unit: "MB",
      ...told,
    },
    { figure: `${pod}: resident, at the end`, value: last(residentMB), unit: "MB", ...told },
    { figure: `${pod}: growth of resident memory`, value: perHour(residentMB), unit: "MB/h", ...told },
    {
      figure: `${pod}: entries in Maps and Sets, at the end`,
      value: last(({ entries }) => entries),
      unit: "",
      ...told,
    },
    {
      figure: `${pod}: growth of entries`,
      value: perHour(({ entries }) => entries),
      unit: "/h",
      limit: MOST_ENTRIES_AN_HOUR,
    },
    { figure: `${pod}: open handles, at the end`, value: last(({ handles }) => handles), unit: "", ...told },
    { figure: `${pod}: growth of handles`, value: perHour(({ handles }) => handles), unit: "/h", ...told },
    { figure: `${pod}: timers, at the end`, value: last(({ timers }) => timers), unit: "", ...told },
    { figure: `${pod}: growth of timers`, value: perHour(({ timers }) => timers), unit: "/h", ...told },
  ];
}

/** Root of the mean square of what is left when the line is taken away. */
function spread(points: readonly { atMs: number; value: number }[], slopeAnHour: number): number {
  const left = points.map(({ atMs, value }) => value - (slopeAnHour * atMs) / 3_600_000);
  const mean = left.reduce((sum, value) => sum + value, 0) / left.length;
  return Math.sqrt(left.reduce((sum, value) => sum + (value - mean) ** 2, 0) / left.length);
}

/** As a monitoring system and an open status page do. */
async function scrape(soaked: readonly Soaked[], signal: AbortSignal): Promise<void> {
  const asked = await Promise.all(soaked.map(({ probePort }) => probed(probePort)));
  while (!signal.aborted) {
    for (const { metricsPort } of asked) {
      await fetched(metricsPort, "/metrics");
      await fetched(metricsPort, "/api/v1/queue");
    }
    await sleep(systemClock, SCRAPE_MS, signal).catch(() => {});
  }
}

async function probed(port: number): Promise<SoakSample> {
  return JSON.parse(await fetched(port, "/")) as SoakSample;
}

function fetched(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (piece: string) => {
        text += piece;
      });
      answer.on("end", () => resolve(text));
    }).on("error", reject);
  });
}

function inMB(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
