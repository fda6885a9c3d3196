import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Bench, Row } from "./main.ts";

const RUNNER = join(import.meta.dirname, "../../scripts/test.ts");

/** Its scenarios, played to a real API server and to the sandbox, kubectl included. */
export const conformanceBench: Bench = {
  name: "conformance",
  run: () => suiteRows("conformance suite", "test/conformance", 90),
};

/** No request fails in 100 rotations of the authority: that is what its one test says. */
export const rotationBench: Bench = {
  name: "rotation",
  run: () => suiteRows("100 certificate rotations under requests", "test/certs/rotation-traffic", null),
};

/** Of `npm test -- FILTER`: how long it took, and how many of its tests passed, failed and were left out. */
async function suiteRows(suite: string, filter: string, limitS: number | null): Promise<Row[]> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [RUNNER, filter], {
    stdio: ["ignore", "pipe", "inherit"],
    // What is skipped for want of an API server was not measured.
    env: { ...process.env, REQUIRE_CONTROLPLANE: "1", NO_COLOR: "1" },
  });
  const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
  const tookS = (performance.now() - startedMs) / 1_000;
  const counts = readCounts(output);
  const row = (figure: string, value: number, unit: string, limit: number | null): Row => ({
    figure: `${suite}: ${figure}`,
    value,
    unit,
    limit,
  });
  return [
    row("time", tookS, "s", limitS),
    row("tests that passed", counts.pass, "", null),
    row("tests that failed", counts.fail, "", 0),
    row("tests that were left out", counts.skipped, "", null),
  ];
}

/** From the closing lines of the test runner; NaN where it has none of them. */
export function readCounts(output: string): { pass: number; fail: number; skipped: number } {
  const count = (name: string) => Number(new RegExp(`^\\S+ ${name} (\\d+)$`, "m").exec(output)?.[1]);
  return { pass: count("pass"), fail: count("fail"), skipped: count("skipped") };
}
