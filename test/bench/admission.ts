import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { claimReview } from "./admission-bodies.ts";
import { receiptRow } from "./admission-receipt.ts";
import type { Bench, Row } from "./main.ts";

const HOSTS = 10_000;
const BODIES = 2_000;
const SIDES = ["ours", "bare", "express"] as const;
type Side = (typeof SIDES)[number];
/** Many and short, so that what else the machine does falls on both sides alike and out of the mean. */
const ROUNDS = 210;
const WARM_UP_ROUNDS = 10;
const PER_ROUND = 200;
/** As many as the API server keeps open to a webhook. */
const CONNECTIONS = 25;

/**
 * CPU, latency and memory of /mutate against a bare handler that parses the same bodies, and against one as most would
 * write it, in one alternating run.
 */
export const admissionBench: Bench = {
  name: "admission",
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "admission-bench-"));
    const validity = { notBeforeMs: Date.now() - 1_000, notAfterMs: Date.now() + 3_600_000 };
    const authority = createAuthority({ commonName: "bench", ...validity });
    const serving = issueServing(authority, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });
    writeFileSync(join(folder, "cert"), serving.certPem);
    writeFileSync(join(folder, "key"), serving.keyPem);
    const files = [join(folder, "cert"), join(folder, "key")];
    const child = fork(`${import.meta.dirname}/admission-server.ts`, [...files, String(HOSTS)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      // As the image runs it: Dockerfile and scripts/manager.mjs.
      execArgv: ["--max-semi-space-size=1", "--heap-growing-percent=30"],
      env: {
        ...process.env,
        MALLOC_ARENA_MAX: "1",
        MALLOC_MMAP_THRESHOLD_: "65536",
        MALLOC_TRIM_THRESHOLD_: "65536",
      },
    });
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: authority.certPem });
    try {
      return [...(await measure(child, agent)), await receiptRow()];
    } finally {
      agent.destroy();
      child.kill();
      rmSync(folder, { recursive: true });
    }
  },
};

async function measure(child: ChildProcess, agent: Agent): Promise<Row[]> {
  const ports = (await once(child)) as Record<Side, number>;
  const bodies = Array.from({ length: BODIES }, (_, index) => Buffer.from(claimReview(index)));
  const cpuUs: Record<Side, number[]> = { ours: [], bare: [], express: [] };
  const halfLoadMs = { ours: [] as number[], bare: [] as number[] };
  let next = 0;
  let rssBytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const before = await usage(child);
      await atFullLoad(agent, ports[side], PER_ROUND, () => bodies[next++ % BODIES]!);
      const after = await usage(child);
      // The first rounds pay for the compiler.
      if (round >= WARM_UP_ROUNDS) cpuUs[side].push((after.cpuUs - before.cpuUs) / PER_ROUND);
      rssBytes = after.rssBytes;
    }
  }
  const perReviewMs = { ours: steadyMean(cpuUs.ours) / 1_000, bare: steadyMean(cpuUs.bare) / 1_000 };
  for (let round = 0; round < 6; round++) {
    for (const side of ["ours", "bare"] as const) {
      // Half of what one core can do with the dearer of both.
      const everyMs = 2 * Math.max(perReviewMs.ours, perReviewMs.bare);
      halfLoadMs[side].push(
        ...(await paced(agent, ports[side], 400, everyMs, () => bodies[next++ % BODIES]!)),
      );
    }
  }
  return [
    {
      figure: "CPU per review, /mutate, 7 KB, 10,000 hosts mirrored",
      value: steadyMean(cpuUs.ours),
      unit: "us",
      limit: null,
    },
    {
      figure: "CPU per review, bare node:https + JSON.parse",
      value: steadyMean(cpuUs.bare),
      unit: "us",
      limit: null,
    },
    {
      figure: "CPU per review, express + helmet + express.json",
      value: steadyMean(cpuUs.express),
      unit: "us",
      limit: null,
    },
    {
      figure: "CPU ratio to express + helmet",
      value: steadyMean(cpuUs.ours) / steadyMean(cpuUs.express),
      unit: "x",
      limit: null,
    },
    { figure: "CPU ratio", value: steadyMean(cpuUs.ours) / steadyMean(cpuUs.bare), unit: "x", limit: 1.1 },
    { figure: "p99 at half load, /mutate", value: quantile(halfLoadMs.ours, 0.99), unit: "ms", limit: null },
    { figure: "p99 at half load, bare", value: quantile(halfLoadMs.bare, 0.99), unit: "ms", limit: null },
    {
      figure: "p99 ratio at half load",
      value: quantile(halfLoadMs.ours, 0.99) / quantile(halfLoadMs.bare, 0.99),
      unit: "x",
      limit: 1.5,
    },
    { figure: "resident memory after all of it", value: rssBytes / 2 ** 20, unit: "MiB", limit: 120 },
  ];
}

async function usage(child: ChildProcess): Promise<{ cpuUs: number; rssBytes: number }> {
  child.send("usage");
  return (await once(child)) as { cpuUs: number; rssBytes: number };
}

function once(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the measured process ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.removeListener("exit", onExit);
      resolve(message);
    });
  });
}

async function atFullLoad(agent: Agent, port: number, count: number, body: () => Buffer): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await post(agent, port, body());
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

async function paced(
  agent: Agent,
  port: number,
  count: number,
  everyMs: number,
  body: () => Buffer,
): Promise<number[]> {
  const startMs = performance.now();
  const answers: Promise<number>[] = [];
  for (let index = 0; index < count; index++) {
    const waitMs = startMs + index * everyMs - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    answers.push(post(agent, port, body()));
  }
  return Promise.all(answers);
}

function post(agent: Agent, port: number, body: Buffer): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const call = request(
      { agent, host: "127.0.0.1", port, path: "/mutate", method: "POST", headers },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          if (text.includes('"allowed":true')) resolve(performance.now() - startMs);
          else reject(new Error(`not allowed: ${text}`));
        });
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

/**
 * The mean without the tenth at either end. Not the median: some machines count processor time in steps of 4 ms, a tenth
 * of a round.
 */
function steadyMean(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const kept = sorted.slice(Math.floor(values.length / 10), Math.ceil(values.length * 0.9));
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}
