import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import type { KubeObject } from "../kube/api.ts";

const FOLDER = new URL("../../manifests/sandbox-crds/", import.meta.url);

/**
 * CRDs of both host kinds and their machines, shortened from the projects' own for the sandbox and for tests; usable
 * on a real API server too. New objects each time.
 */
export function sandboxCrds(): KubeObject[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => parse(readFileSync(new URL(name, FOLDER), "utf8")) as KubeObject);
}
