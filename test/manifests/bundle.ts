import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** The bundled service in a folder where nothing else is. */
export interface Bundle {
  readonly folder: string;
  /** Of manager.mjs. */
  readonly file: string;
  remove(): void;
}

export async function buildBundle(): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), "bundle-"));
  const script = join(import.meta.dirname, "../../scripts/build.ts");
  await promisify(execFile)(process.execPath, [script, folder]);
  return {
    folder,
    file: join(folder, "manager.mjs"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
