import assert from "node:assert/strict";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { LEASE_NAMESPACE } from "../e2e/rig.ts";
import { type Case, testCommands } from "./cases.ts";
import { ROOT, readPage } from "./page.ts";
import { Playground } from "./playground.ts";

const name = "docs/install.md, typed by a reader";
const page = readPage("docs/install.md");

test("docs/install.md says of each overlay what it is for", () => {
  for (const overlay of ["base", ...readdirSync(join(ROOT, "manifests/overlays"))]) {
    assert.ok(page.text.includes(`\n| \`${overlay}\` | `), overlay);
  }
});

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 200_000 }, () => {
  let playground: Playground;
  before(async () => {
    playground = await Playground.start();
    // The reader installs from the beginning.
    await playground.stage.kubectl("delete", "namespace", LEASE_NAMESPACE, "--wait=false");
    await playground.endNamespace(LEASE_NAMESPACE);
  });
  after(() => playground?.stop());

  let started = false;
  async function rollOut(): Promise<void> {
    if (!started) await playground.rollOut("beskar7-claim-coordinator-6f7c9d5b8-4xk2p");
    started = true;
  }

  const cases: Readonly<Record<string, Case>> = {
    "npm start --": { notRun: "no command of its own: what stands for the program's name" },
    "npm start -- doctor": { prints: /^Leader election$/m, codes: [0, 1] },
    "npm link": { notRun: "changes the reader's machine; bin/ is run under its own name by these tests" },
    "docker build -t beskar7-claim-coordinator:0.1.0 .": {
      notRun: "needs a container engine; test/manifests/image.test.ts goes through the Dockerfile's steps",
    },
    "kubectl apply --server-side -k manifests/base": { asShown: true },
    "kubectl -n beskar7-system rollout status deployment/beskar7-claim-coordinator": {
      before: rollOut,
      prints: /successfully rolled out/,
    },
    "kubectl -n beskar7-system get lease beskar7-claim-coordinator-leader": { prints: /^beskar7-claim/m },
    "beskar7-claim-coordinator doctor": { prints: /^Leader election\n {2}ok /m },
    "beskar7-claim-coordinator install": {
      before: () => playground.unregister(),
      asShown: true,
      after: () => playground.register(),
    },
    "beskar7-claim-coordinator install --dry-run": { prints: /^kind: ValidatingWebhookConfiguration$/m },
    "kubectl apply": { notRun: "names a way of working, no command" },
    "kubectl apply --server-side -k manifests/overlays/stateless": {
      before: () => playground.unregister(),
      // The page tells who changes over from `install`, as this reader does, to force it once.
      type: "kubectl apply --server-side --force-conflicts -k manifests/overlays/stateless",
      prints: /^deployment\.apps\/beskar7-claim-coordinator serverside-applied$/m,
      after: () => playground.register(),
    },
    "beskar7-claim-coordinator uninstall": { asShown: true },
    "kubectl delete namespace beskar7-system": {
      before: () => void playground.endNamespace(LEASE_NAMESPACE),
      prints: /deleted/,
    },
    "kubectl delete -k": { notRun: "what the page warns of" },
  };
  testCommands(page, () => playground, cases);

  test("the kustomization that names a registry renders, and changes the image alone", async () => {
    const folder = join(playground.stage.plane.folder, "mine");
    mkdirSync(join(folder, "path/to"), { recursive: true });
    symlinkSync(join(ROOT, "manifests"), join(folder, "path/to/manifests"));
    assert.equal(page.yaml.length, 1);
    writeFileSync(join(folder, "kustomization.yaml"), page.yaml[0]!);
    const mine = await playground.stage.kubectl("kustomize", folder);
    const base = await playground.stage.kubectl("kustomize", join(ROOT, "manifests/base"));
    assert.match(mine, /image: registry\.example\/beskar7-claim-coordinator:0\.1\.0$/m);
    assert.equal(mine.replace("registry.example/", ""), base);
  });
});
