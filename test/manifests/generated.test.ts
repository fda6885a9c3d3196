import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { generatedComponents } from "../../src/cli/install-manifests.ts";

const folder = join(import.meta.dirname, "../../manifests/components");

for (const [path, text] of Object.entries(generatedComponents())) {
  test(`manifests/components/${path} is what the code says; UPDATE_DOCS=1 rewrites it`, () => {
    const file = join(folder, path);
    if (process.env.UPDATE_DOCS === "1") {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    assert.equal(readFileSync(file, "utf8"), text);
  });
}
