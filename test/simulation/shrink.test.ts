import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Plan, planOf } from "./plan.ts";
import type { Result } from "./run.ts";
import { shrink } from "./shrink.ts";
import { NO_COUNTS } from "./witness.ts";

const MUTANT = fileURLToPath(new URL("mutant.ts", import.meta.url));
const NOTHING = { hash: "", events: 0, healedAfterMs: 0, faults: new Map(), strikes: [] };
const result = (...violations: string[]): Result => ({ ...NOTHING, counts: NO_COUNTS, violations });

const LARGE: Plan = {
  ...planOf(1),
  replicas: 3,
  standing: 3,
  controllers: ["current", "current"],
  hosts: 5,
  machines: 6,
  requests: 1,
  faults: ["delays", "losses", "crashes", "freezes"],
  faultMs: 60_000,
};

it("a failing plan loses everything that the failure does not need", async () => {
  const fails = async ({ faults, machines, replicas, faultMs }: Plan) =>
    faults.includes("crashes") && machines >= 2 && replicas >= 2 && faultMs >= 10_000
      ? result(`${faultMs} ms: machine-${machines} has two hosts`)
      : result();
  const { plan } = await shrink(LARGE, await fails(LARGE), fails);
  const { faults, machines, replicas, standing, controllers, hosts, requests, faultMs } = plan;
  assert.deepEqual(
    { faults, machines, replicas, standing, controllers, hosts, requests },
    {
      faults: ["crashes"],
      machines: 2,
      replicas: 2,
      standing: 2,
      controllers: ["current"],
      hosts: 1,
      requests: 0,
    },
  );
  assert.ok(faultMs < 14_000, `${faultMs} ms`);
});

it("a plan that fails in another way is not a shorter form of the failure", async () => {
  const retry = async ({ faults }: Plan) =>
    result(faults.length === 4 ? "7 ms: machine-1 has two hosts" : "9 ms: nobody leads");
  const { plan } = await shrink(LARGE, await retry(LARGE), retry);
  assert.deepEqual(plan.faults, LARGE.faults);
});

it("a real failure becomes one that is no longer, says the same and replays from what is written down", async () => {
  const env = { ...process.env, SIM_MUTATION: "a host is claimed without a precondition", SIM_SHRINK: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, [MUTANT], { env });
  const { violations, events, shortest } = JSON.parse(stdout);
  const about = (sentences: string[]) => /claims \S+ without a precondition/.test(sentences[0] ?? "");
  assert.deepEqual([about(violations), about(shortest.violations), shortest.same], [true, true, true]);
  assert.ok(shortest.events < events, `${shortest.events} of ${events} events`);
  const { machines, faults } = shortest.plan as Plan;
  assert.ok(machines <= 2 && faults.length === 0, JSON.stringify(shortest.plan));
});
