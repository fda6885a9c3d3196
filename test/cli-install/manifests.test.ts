import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { generatedManifests } from "../../src/cli/install-manifests.ts";
import { installObjects } from "../../src/cli/install-objects.ts";

const folder = new URL("../../manifests/base/", import.meta.url);

for (const [name, text] of Object.entries(generatedManifests())) {
  test(`manifests/base/${name} is what install applies; UPDATE_DOCS=1 rewrites it`, () => {
    if (process.env.UPDATE_DOCS === "1") {
      mkdirSync(folder, { recursive: true });
      writeFileSync(new URL(name, folder), text);
    }
    assert.equal(readFileSync(new URL(name, folder), "utf8"), text);
  });
}

test("the generated files hold every object of install but the namespace", () => {
  const namespace = "beskar7-system";
  const names = {
    namespace,
    leaseNamespace: namespace,
    certSecret: "beskar7-claim-coordinator-certs",
    registration: "beskar7-claim-coordinator",
  };
  const target = { service: { namespace, name: "beskar7-claim-coordinator" } };
  const written = Object.values(generatedManifests()).flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS()),
  );
  const installed = installObjects(names, { target }).filter(({ kind }) => kind !== "Namespace");
  assert.deepEqual(written, JSON.parse(JSON.stringify(installed)));
});
