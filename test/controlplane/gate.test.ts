import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

const GATED = `
  import { test } from "node:test";
  import { requireControlPlane } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
  test("gated", async (t) => { if (await requireControlPlane(t)) throw new Error("passed the gate"); });
`;

describe("a machine without Go, cache and KUBEBUILDER_ASSETS", () => {
  const folder = mkdtempSync(join(tmpdir(), "gate-"));
  after(() => rmSync(folder, { recursive: true }));

  const run = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, ["--test-reporter=spec", "--input-type=module", "--eval", GATED], {
      encoding: "utf8",
      env: { PATH: folder, XDG_CACHE_HOME: folder, ...env },
    });

  test("skips what needs a control plane, and says so", () => {
    const { status, stdout, stderr } = run({});
    assert.match(stderr, /!!! SKIPPED gated: no control plane/);
    assert.match(stdout, /ℹ skipped 1/);
    assert.equal(status, 0);
  });

  test("fails where a control plane is required", () => {
    const { status, stdout } = run({ REQUIRE_CONTROLPLANE: "1" });
    assert.match(stdout, /ℹ fail 1/);
    assert.equal(status, 1);
  });

  test("fails when KUBEBUILDER_ASSETS names an incomplete folder", () => {
    const { status, stdout } = run({ KUBEBUILDER_ASSETS: folder });
    assert.match(stdout, /incomplete: .*kube-apiserver/);
    assert.equal(status, 1);
  });
});
