import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../../src/kube/api.ts";
import { findBinaries, type Json, runKubectl } from "../controlplane/index.ts";

export const MANIFESTS = join(import.meta.dirname, "../../manifests");

/** What can be applied, as paths below manifests/. */
export const INSTALLABLE: readonly string[] = [
  "base",
  ...readdirSync(join(MANIFESTS, "overlays")).map((name) => `overlays/${name}`),
];

/** The YAML that `kubectl kustomize` makes of a folder below manifests/. */
export async function renderText(folder: string): Promise<string> {
  const binaries = await findBinaries();
  assert.ok(binaries, "kubectl is there");
  const { code, stdout, stderr } = await runKubectl(binaries.kubectl, tmpdir(), [
    "kustomize",
    join(MANIFESTS, folder),
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "", "kustomize has nothing to warn of");
  return stdout;
}

export async function render(folder: string): Promise<KubeObject[]> {
  return parseAllDocuments(await renderText(folder)).map((document) => document.toJS() as KubeObject);
}

/** The one object of this kind and name, with its fields open to the test. */
export function find(objects: readonly KubeObject[], kind: string, name?: string): Json {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  assert.equal(found.length, 1, `one ${kind} ${name ?? ""}`);
  return found[0];
}
