import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "../../src/version.ts";
import { type Bundle, buildBundle } from "../manifests/bundle.ts";

/** There is no release before this one. So the former version is this code as a program that calls itself 0.0.9. */
export const FORMER = "0.0.9";

export async function buildFormer(): Promise<Bundle> {
  const bundle = await buildBundle();
  const code = join(bundle.folder, "app/manager.mjs");
  const mine = `version:"${VERSION}"`;
  const text = readFileSync(code, "utf8");
  assert.equal(text.split(mine).length, 2, "the version is in the bundle once");
  writeFileSync(code, text.replace(mine, `version:"${FORMER}"`));
  return bundle;
}
