import { setTimeout as sleep } from "node:timers/promises";
import { holdersOf, invertedPairs, safetyViolations } from "../../src/workload/checks.ts";
import { Arena } from "../contention/arena.ts";
import { prepareFortyTwenty, sinceFirstFreeMs } from "./contention.ts";
import { percentile } from "./contention-load.ts";
import type { Bench, Row } from "./main.ts";
import { unregister } from "./standard.ts";

/** Namespaces of their own, at one time: what takes long here is that everybody sleeps. */
const RUNS = 5;

/**
 * The same 40 machines and 20 hosts without this service: no webhook, no replica, the same three controllers. Takes two
 * minutes, so it runs only when it is named.
 */
export const optimisticBench: Bench = {
  name: "contention-optimistic",
  onlyNamed: true,
  async run(): Promise<Row[]> {
    const arena = await Arena.start(0);
    try {
      await unregister(arena.rig);
      await arena.addControllers(3);
      const runs = await Promise.all(
        Array.from({ length: RUNS }, async (_, run) => {
          const pool = await arena.pool(`optimistic-${run}`);
          const hosts = await prepareFortyTwenty(pool);
          const claims = await pool.claims();
          // The hosts come at any moment of the minute that the machines sleep.
          await sleep((run / RUNS) * 60_000);
          await pool.free(...hosts);
          await pool.untilTaken(20);
          const violations = safetyViolations(pool.events).length;
          return {
            ms: sinceFirstFreeMs(pool),
            inverted: invertedPairs(claims, holdersOf(pool.hosts)),
            violations,
          };
        }),
      );
      const times = runs.map(({ ms }) => ms);
      const inverted = runs.reduce((sum, run) => sum + run.inverted, 0);
      const figure = `40 machines, 20 hosts, 3 controllers, without the service, ${RUNS} runs:`;
      return [
        { figure: `${figure} all bound after, p50`, value: percentile(times, 50), unit: "ms", limit: null },
        { figure: `${figure} all bound after, worst`, value: Math.max(...times), unit: "ms", limit: null },
        { figure: `${figure} inverted pairs`, value: inverted, unit: `of ${RUNS * 400}`, limit: null },
        {
          figure: `${figure} machines that had two hosts`,
          value: runs.reduce((sum, run) => sum + run.violations, 0),
          unit: "",
          limit: null,
        },
      ];
    } finally {
      await arena.stop();
    }
  },
};
