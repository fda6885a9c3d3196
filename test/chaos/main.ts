/**
 * Chaos on a real API server, for as long as is wanted.
 *
 *     npm run chaos                                       five minutes, any seed
 *     npm run chaos -- --minutes=180 --seed=7             the same schedule for the same seed
 *     npm run chaos -- --faults=kill,freeze --logs=logs   only these; the replicas' logs at level debug
 *     npm run chaos -- --mutation="..."                   with a mistake of test/simulation/mutations.ts
 */
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { buildBundle } from "../manifests/bundle.ts";
import { mutated } from "./program.ts";
import { runChaos } from "./run.ts";
import { FAULTS, type Fault } from "./schedule.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: process.env.CHAOS_MINUTES ?? "5" },
    seed: { type: "string", default: process.env.CHAOS_SEED ?? String(Math.floor(Math.random() * 2 ** 31)) },
    faults: { type: "string", default: FAULTS.join(",") },
    logs: { type: "string", default: "" },
    mutation: { type: "string" },
  },
});

const seed = Number(values.seed);
const minutes = Number(values.minutes);
const kinds = values.faults.split(",") as Fault[];
const unknown = kinds.filter((kind) => !FAULTS.includes(kind));
if (!Number.isInteger(seed) || !(minutes > 0) || unknown.length > 0) {
  console.error(`--seed is an integer, --minutes more than 0, --faults of ${FAULTS.join(", ")}`);
  process.exit(2);
}
if (values.logs !== "") mkdirSync(values.logs, { recursive: true });

const bundle = values.mutation === undefined ? await buildBundle() : null;
try {
  const program = bundle === null ? mutated(values.mutation ?? "") : { args: [bundle.file], env: bundle.env };
  const { violations, summary } = await runChaos({
    seed,
    faultMs: minutes * 60_000,
    kinds,
    program,
    logs: values.logs,
    note: console.log,
  });
  console.log(`\n${summary.join("\n")}`);
  if (violations.length > 0) {
    const only = kinds.length < FAULTS.length ? ` --faults=${values.faults}` : "";
    console.log(
      `\nThe same schedule again: npm run chaos -- --seed=${seed} --minutes=${minutes}${only} --logs=logs`,
    );
    process.exitCode = 1;
  }
} finally {
  bundle?.remove();
}
