import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "../..");
const SCRIPTS = join(ROOT, "scripts");

/** The bundled service as the image has it, in a folder where nothing else is. */
export interface Bundle {
  readonly folder: string;
  /** What the image has as /manager. */
  readonly file: string;
  /** The variables that the image sets. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/** The steps of the Dockerfile. */
export async function buildBundle(): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), "bundle-"));
  const file = join(folder, "manager");
  const node = (...args: string[]) => promisify(execFile)(process.execPath, args);
  await node(join(SCRIPTS, "build.ts"), join(folder, "app"));
  copyFileSync(join(SCRIPTS, "manager.mjs"), file);
  await node(file, "version");
  const settings = readFileSync(join(ROOT, "Dockerfile"), "utf8").matchAll(/^ENV (\w+)=(.*)$/gm);
  const env = Object.fromEntries([...settings].map(([, key = "", value = ""]) => [key, value]));
  return { folder, file, env, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
