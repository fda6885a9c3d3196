import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { VERSION } from "../../src/version.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { until } from "../e2e/until.ts";
import { type Bundle, buildBundle } from "./bundle.ts";
import { GrantedCluster } from "./granted-cluster.ts";
import { type GrantedService, startGrantedService } from "./granted-service.ts";

const ROOT = join(import.meta.dirname, "../..");

describe("what the image holds", { timeout: 120_000 }, () => {
  let bundle: Bundle;
  before(async () => {
    bundle = await buildBundle();
  });
  after(() => bundle?.remove());

  const manager = (...args: string[]) =>
    promisify(execFile)(process.execPath, [bundle.file, ...args], {
      cwd: bundle.folder,
      env: { KUBERNETES_SERVICE_HOST: "", HOME: bundle.folder },
    });

  test("is one bundled file, its launcher and the compiled code, and runs without node_modules", async () => {
    assert.deepEqual(readdirSync(bundle.folder).sort(), ["app", "manager"]);
    assert.equal(existsSync(join(bundle.folder, "node_modules")), false);
    assert.equal((await manager("--version")).stdout, `beskar7-claim-coordinator ${VERSION}\n`);
    assert.match((await manager("help")).stdout, /manager/);
    assert.match((await manager("install", "--dry-run")).stdout, /kind: MutatingWebhookConfiguration/);
  });

  test("starts as /manager by the Node of the image, as nobody in particular", () => {
    const lines = readFileSync(join(ROOT, "Dockerfile"), "utf8").split("\n");
    const [shebang] = readFileSync(join(ROOT, "scripts/manager.mjs"), "utf8").split("\n");
    assert.equal(shebang, "#!/nodejs/bin/node");
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));
    assert.match(last[0]!, /distroless\/nodejs24-/);
    assert.ok(last.includes("USER 65532:65532"));
    assert.ok(last.includes('ENTRYPOINT ["/manager"]'));
    assert.equal(lines.filter((line) => line.startsWith("FROM ")).length, 2);
  });

  test("everything that the build copies is let into its context", () => {
    const allowed = readFileSync(join(ROOT, ".dockerignore"), "utf8");
    for (const path of [
      "package.json",
      "package-lock.json",
      "scripts/build.ts",
      "scripts/manager.mjs",
      "src",
    ])
      assert.ok(allowed.includes(`!${path}\n`), path);
  });
});

const name = "the bundle on a real API server";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let cluster: GrantedCluster;
  let bundle: Bundle;
  let service: GrantedService | undefined;
  before(async () => {
    [cluster, bundle] = await Promise.all([GrantedCluster.start(), buildBundle()]);
  });
  after(async () => {
    await service?.stop();
    await cluster?.stop();
    bundle?.remove();
  });

  test("is ready, with no right but those of manifests/base", async () => {
    const started = await startGrantedService(cluster, bundle.file, "ready");
    service = started;
    await started.said(/"Started; standing for election"/);
    await until(async () => (await fetch(started.readyUrl)).status === 200);
  });
});
