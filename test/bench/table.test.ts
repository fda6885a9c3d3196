import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bench, Row } from "./main.ts";
import { runBenches } from "./table.ts";

function bench(name: string, ...rows: Row[]): Bench {
  return { name, run: async () => rows };
}

const row = (value: number, limit: number | null): Row => ({ figure: "time", value, unit: "ms", limit });

async function ran(...benches: Bench[]) {
  const lines: string[] = [];
  let nowMs = 0;
  const good = await runBenches(
    benches,
    (line) => lines.push(line.trim().replaceAll(/ +/g, " ")),
    () => (nowMs += 1_000),
  );
  return { good, lines };
}

test("a figure a line, with its limit, and how long everything took", async () => {
  const { good, lines } = await ran(
    bench("one", row(1.5, null), row(100, 100)),
    bench("two", row(0.0046, null)),
  );
  assert.equal(good, true);
  assert.deepEqual(lines, [
    `one (Node ${process.version})`,
    "time 1.50 ms",
    "time 100 ms (limit 100)",
    "(1 s)",
    `two (Node ${process.version})`,
    "time 0.0046 ms",
    "(1 s)",
    "3 figures in 5 s",
  ]);
});

test("one that is over its limit, or no number, is told at the end again", async () => {
  for (const [value, shown] of [
    [101, "101"],
    [Number.NaN, "NaN"],
  ] as const) {
    const { good, lines } = await ran(bench("one", row(value, 100)), bench("two", row(1, null)));
    assert.equal(good, false);
    assert.equal(lines.at(-1), `over: one, time ${shown} ms (limit 100) OVER`);
  }
});

test("a bench that breaks does not keep the next one from running", async () => {
  const broken: Bench = { name: "one", run: () => Promise.reject(new Error("no API server")) };
  const { good, lines } = await ran(broken, bench("two", row(1, null)));
  assert.equal(good, false);
  assert.ok(lines.some((line) => line.startsWith("Error: no API server")));
  assert.ok(lines.includes("time 1.00 ms"));
  assert.equal(lines.at(-1), "broken: one");
});
