import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { sleep, systemClock } from "../../src/clock.ts";

/** One `go build`, run in a module's folder. */
export interface GoBuild {
  /** Folder with go.mod; its go.mod, go.sum and `sources` are part of the cache key. */
  readonly module: string;
  readonly sources?: readonly string[];
  /** Arguments after `go build -o OUT`, part of the cache key. */
  readonly args: readonly string[];
  /** What this makes, and what a person who waits should know. */
  readonly says: string;
}

/** Folder for what is costly to build: outside the checkout, so that a fresh clone finds it. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "beskar7-claim-coordinator");
}

export function hasGo(): boolean {
  return spawnSync("go", ["version"], { stdio: "ignore" }).status === 0;
}

/** Where `builds` end up; the name changes with everything that decides what comes out. */
export function builtFolder(name: string, builds: readonly GoBuild[]): string {
  const hash = createHash("sha256");
  for (const build of builds) {
    for (const file of ["go.mod", "go.sum", ...(build.sources ?? [])]) {
      hash.update(readFileSync(join(build.module, file))).update("\0");
    }
    hash.update(build.args.join("\0")).update("\0");
  }
  return join(cacheFolder(), `${name}-${hash.digest("hex").slice(0, 16)}`);
}

const PARTIAL = ".partial-";

/** A folder appears only when it is complete. */
export const isBuilt = (folder: string) => existsSync(folder);

/** Builds into the cache unless it is there, and returns the folder of the binaries. Rejects when Go fails. */
export async function buildCached(name: string, builds: readonly GoBuild[]): Promise<string> {
  const folder = builtFolder(name, builds);
  if (isBuilt(folder)) return folder;
  mkdirSync(cacheFolder(), { recursive: true });
  await withLock(`${folder}.lock`, async () => {
    if (isBuilt(folder)) return;
    removeLeftovers(folder);
    // Built aside and renamed when complete: a build that is killed never leaves half a cache.
    const aside = mkdtempSync(`${folder}${PARTIAL}`);
    try {
      for (const build of builds) await goBuild(build, aside);
      renameSync(aside, folder);
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
  });
  return folder;
}

/** What killed builds left; only whoever holds the lock may ask. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(dirname(folder))) {
    if (name.startsWith(`${basename(folder)}${PARTIAL}`)) {
      rmSync(join(dirname(folder), name), { recursive: true, force: true });
    }
  }
}

async function goBuild(build: GoBuild, out: string): Promise<void> {
  const startedMs = systemClock.monotonicMs();
  const seconds = () => Math.round((systemClock.monotonicMs() - startedMs) / 1000);
  process.stderr.write(`Building ${build.says}...\n`);
  const child = spawn("go", ["build", "-o", `${out}/`, ...build.args], {
    cwd: build.module,
    stdio: ["ignore", "pipe", "pipe"],
    // A go.work or flags of the surroundings would change what is built.
    env: { ...process.env, GOWORK: "off", GOFLAGS: "-buildvcs=false" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const progress = setInterval(() => process.stderr.write(`  still building, ${seconds()} s\n`), 15_000);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  }).finally(() => clearInterval(progress));
  if (code !== 0) {
    // Downloads are reported first and by the hundred; what went wrong stands at the end.
    const end = output.trimEnd().split("\n").slice(-20).join("\n");
    throw new Error(`go build of ${build.says} failed with exit code ${code}:\n${end}`);
  }
  process.stderr.write(`  built in ${seconds()} s\n`);
}

/** Saves a second build, no more than that: what is built stays right without it, thanks to the rename. */
async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  let told = false;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = lockOwner(path);
    if (owner !== undefined && !isAlive(owner)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) process.stderr.write(`Waiting for process ${owner ?? "?"}, which builds the same...\n`);
    told = true;
    await sleep(systemClock, 500);
  }
  try {
    await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function lockOwner(path: string): number | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return text === "" ? undefined : Number(text);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
