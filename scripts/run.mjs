// Runs a TypeScript entry point on the pinned Node, installing dependencies first when they are missing or
// older than the lockfile. Plain JavaScript without dependencies, because it must work on Node 20 in a fresh
// clone: everything else in the repository may assume Node 24.
//
//   node scripts/run.mjs ENTRY [ARGS...]
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pinnedNode = join(root, "node_modules", "node", "bin", "node");
const stamp = join(root, "node_modules", ".installed-lockfile");

function lockfileHash() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

function isInstalled() {
  return existsSync(pinnedNode) && existsSync(stamp) && readFileSync(stamp, "utf8") === lockfileHash();
}

function install() {
  process.stderr.write("Installing dependencies (once per lockfile change)...\n");
  // --loglevel=error: npm would warn that the Node which installs is older than what some packages want,
  // although the Node that will run them is installed by this very command.
  // --include=dev: the pinned Node is one of them, and NODE_ENV=production or an .npmrc may leave them out.
  const npm = spawnSync("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, npm_config_yes: "true" },
  });
  if (npm.error || npm.status !== 0) {
    process.stderr.write(
      `npm ci failed${npm.error ? `: ${npm.error.message}` : ` with exit code ${npm.status}`}. ` +
        "Check that the npm registry can be reached and that the disk is not full, then run the same command again.\n",
    );
    process.exit(1);
  }
  writeFileSync(stamp, lockfileHash());
}

if (!isInstalled()) install();

const [entry, ...args] = process.argv.slice(2);
if (entry === undefined) process.exit(0);
const child = spawn(pinnedNode, ["--disable-warning=ExperimentalWarning", join(root, entry), ...args], {
  stdio: "inherit",
});
// A terminal sends Ctrl-C to the whole group; a supervisor signals only this process. Forwarding covers both:
// the child treats a repeated signal as one.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  process.stderr.write(`The pinned Node at ${pinnedNode} did not start: ${error.message}\n`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
