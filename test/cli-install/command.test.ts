/** install and uninstall as a person types them: their own processes, over HTTPS. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { LEASES, MUTATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { VERSION } from "../../src/version.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const URL_FLAG = "--webhook-url=https://coordinator.example:9443";

describe("the command", { timeout: 120_000 }, () => {
  let sandbox: Sandbox;
  let folder: string;
  let kubeconfig: string;

  before(async () => {
    sandbox = await startSandbox();
    folder = mkdtempSync(join(tmpdir(), "command-"));
    kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, sandbox.kubeconfig());
  });
  after(async () => {
    await sandbox?.close();
    rmSync(folder, { recursive: true });
  });

  async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, ["src/main.ts", ...args], {
        cwd: ROOT,
      });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  }

  it("says its version", async () => {
    assert.deepEqual(await run("version"), {
      code: 0,
      stdout: `beskar7-claim-coordinator ${VERSION}\n`,
      stderr: "",
    });
  });

  it("explains itself, and each command", async () => {
    const all = await run("help");
    assert.equal(all.code, 0);
    for (const command of ["manager", "install", "uninstall", "queue", "explain", "doctor", "verify", "demo"])
      assert.match(all.stdout, new RegExp(`^ +${command}\\b`, "m"));
    assert.match((await run("help", "install")).stdout, /--webhook-url/);
  });

  it("names every problem of a command line that it can't understand, and ends with 2", async () => {
    const { code, stdout, stderr } = await run("queue", "--nonsense", "--output=poem");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /--nonsense/);
    assert.match(stderr, /--output/);
  });

  it("says why it failed, and ends with 1", async () => {
    const { code, stderr } = await run("queue", "--kubeconfig", join(folder, "absent"));
    assert.equal(code, 1);
    assert.match(stderr, /absent/);
    assert.doesNotMatch(stderr, /\n +at /);
  });

  it("install --dry-run prints YAML and needs no cluster", async () => {
    const { code, stdout } = await run(
      "install",
      "--dry-run",
      "--kubeconfig",
      join(folder, "absent"),
      URL_FLAG,
    );
    assert.equal(code, 0);
    const kinds = parseAllDocuments(stdout).map((document) => document.get("kind"));
    assert.ok(kinds.includes("CustomResourceDefinition") && kinds.includes("ValidatingWebhookConfiguration"));
  });

  it("install and uninstall do and undo, and say so line by line", async () => {
    const admin = sandbox.api();
    const installed = await run("install", "--kubeconfig", kubeconfig, URL_FLAG);
    assert.deepEqual([installed.code, installed.stderr], [0, ""]);
    assert.match(installed.stdout, /^ValidatingWebhookConfiguration beskar7-claim-coordinator created$/m);
    const name = "beskar7-claim-coordinator";
    const registration = await admin.get(MUTATING_WEBHOOK_CONFIGURATIONS, { name });
    assert.match(JSON.stringify(registration), /"url":"https:\/\/coordinator\.example:9443\/mutate"/);
    await admin.create(LEASES, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { namespace: "beskar7-system", name: "beskar7-claim-coordinator-leader" },
    });

    const tried = await run("uninstall", "--dry-run", "--kubeconfig", kubeconfig);
    assert.match(tried.stdout, /^Lease beskar7-system\/beskar7-claim-coordinator-leader would be removed$/m);
    const removed = await run("uninstall", "--kubeconfig", kubeconfig);
    assert.deepEqual([removed.code, removed.stderr], [0, ""]);
    assert.match(removed.stdout, /^MutatingWebhookConfiguration beskar7-claim-coordinator removed$/m);
    assert.match(removed.stdout, /^Lease beskar7-system\/beskar7-claim-coordinator-leader removed$/m);
    const again = await run("uninstall", "--kubeconfig", kubeconfig);
    assert.deepEqual(again, { code: 0, stdout: "", stderr: "" });
  });
});
