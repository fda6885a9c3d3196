import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { buildBundle } from "../manifests/bundle.ts";
import { runChaos } from "./run.ts";
import { FAULTS } from "./schedule.ts";

const SECONDS = 45;

/** `CHAOS_MINUTES` makes it longer and `CHAOS_SEED` repeats a schedule; `npm run chaos` has more to choose. */
describe("under faults of every kind, several at once, on a real API server", {
  skip: await skipWithoutControlPlane("chaos"),
}, () => {
  const minutes = Number(process.env.CHAOS_MINUTES ?? SECONDS / 60);

  test("no host changes hands, no machine has two, no request is lost, and all heals", {
    timeout: minutes * 60_000 + 240_000,
  }, async (t) => {
    const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
    const told: string[] = [];
    const bundle = await buildBundle();
    try {
      const { violations, summary, binds, faults } = await runChaos({
        seed,
        faultMs: minutes * 60_000,
        kinds: FAULTS,
        program: { args: [bundle.file], env: bundle.env },
        logs: "",
        note: (what) => told.push(what),
      });
      for (const line of summary) t.diagnostic(line);
      assert.deepEqual(violations, [], `CHAOS_SEED=${seed}\n${told.join("\n")}`);
      const missing = FAULTS.filter((kind) => !faults.has(kind));
      assert.deepEqual(missing, [], "kinds of faults that never struck");
      assert.ok(binds > 0, "nobody got a host");
    } finally {
      bundle.remove();
    }
  });
});
