// Mutation testing of the decision core and the elector, with Stryker: `npm run mutation`, or of some files
// `npm run mutation -- --mutate src/leader/lease.ts`. How to read it: docs/mutation.md.
import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const stryker = join(root, "node_modules/@stryker-mutator/core/bin/stryker.js");
const { status } = spawnSync(process.execPath, [stryker, "run", ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  env: {
    ...process.env,
    // Its runner starts "node", which must be this one.
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    // Fewer cases, and the same for each mutant: one that is found once is always found.
    CLAIMS_CASES: "250",
    ELECTION_CASES: "30",
    ELECTION_SEED: "1",
  },
});
process.exitCode = status ?? 1;
