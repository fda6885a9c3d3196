import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const SCRIPTS = join(import.meta.dirname, "../../scripts");

/** The bundled service as the image has it, in a folder where nothing else is. */
export interface Bundle {
  readonly folder: string;
  /** What the image has as /manager. */
  readonly file: string;
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
  return { folder, file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
