// Type check, lint and format check; `--fix` writes what can be mended by itself.
import { spawnSync } from "node:child_process";

const fix = process.argv.includes("--fix");
const steps: [name: string, command: string, args: string[]][] = [
  ["types", "node_modules/.bin/tsc", ["--noEmit"]],
  ["lint and format", "node_modules/.bin/biome", fix ? ["check", "--write", "."] : ["ci", "."]],
];
let failed = false;
for (const [name, command, args] of steps) {
  const { status } = spawnSync(command, args, { stdio: "inherit", cwd: `${import.meta.dirname}/..` });
  process.stdout.write(`${name}: ${status === 0 ? "ok" : "failed"}\n`);
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
