import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");
const GATED = `
  import { describe, test } from "node:test";
  import { skipWithoutChromium } from ${JSON.stringify(join(import.meta.dirname, "chromium.ts"))};
  describe("pages", { skip: skipWithoutChromium("pages") }, () => {
    test("gated", () => { throw new Error("passed the gate"); });
  });
`;
const folder = mkdtempSync(join(tmpdir(), "chromium-gate-"));
after(() => rmSync(folder, { recursive: true }));

describe("a machine without Chromium", () => {
  const run = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, ["--test-reporter=spec", "--input-type=module", "--eval", GATED], {
      encoding: "utf8",
      env: { PATH: folder, CI: "1", CHROMIUM: join(folder, "none"), ...env },
    });

  test("skips what needs one, says so and counts it", () => {
    const { status, stdout, stderr } = run({});
    assert.match(stderr, /!!! SKIPPED pages: no Chromium is installed/);
    assert.match(stdout, /ℹ skipped 1/);
    assert.equal(status, 0, stderr);
  });

  test("fails where one is required", () => {
    const { status, stderr } = run({ REQUIRE_CHROMIUM: "1" });
    assert.match(stderr, /no Chromium is installed/);
    assert.notEqual(status, 0);
  });
});

describe("continuous integration", () => {
  const WORKS = "#!/bin/sh\necho Chromium 1.0\n";
  const ADVISES = "#!/bin/sh\necho install another package >&2\nexit 1\n";
  let machines = 0;

  /** What the tests are told on a machine that has these programs, and what is printed. */
  function run(programs: Readonly<Record<string, string>>) {
    const PATH = join(folder, `machine-${machines++}`);
    mkdirSync(PATH);
    for (const tool of ["bash", "sh", "env", "dirname", "cp", "chmod"])
      symlinkSync(which(tool), join(PATH, tool));
    const npm = '#!/bin/sh\necho "$1: CHROMIUM=$CHROMIUM REQUIRE_CHROMIUM=$REQUIRE_CHROMIUM"\n';
    for (const [name, text] of Object.entries({ npm, id: "#!/bin/sh\necho 0\n", ...programs })) {
      writeFileSync(join(PATH, name), text);
      chmodSync(join(PATH, name), 0o755);
    }
    // What it finds counts, not what it inherits.
    const env = { PATH, REQUIRE_CHROMIUM: "1" };
    const { status, stdout, stderr } = spawnSync(join(ROOT, ".ci/run"), ["a-filter"], {
      encoding: "utf8",
      env,
    });
    assert.equal(status, 0, stderr);
    return { told: /^test: (.*)$/m.exec(stdout)?.[1]?.replaceAll(`${PATH}/`, ""), stderr };
  }

  test("requires the Chromium that it finds", () => {
    assert.deepEqual(run({ "google-chrome": WORKS, chromium: ADVISES }), {
      told: "CHROMIUM=google-chrome REQUIRE_CHROMIUM=1",
      stderr: "",
    });
  });

  test("requires the one that it could install", () => {
    const install = `#!/bin/sh\ncp "$0.chromium" "\${0%/*}/chromium"\n`;
    const { told, stderr } = run({ "apt-get": install, "apt-get.chromium": WORKS });
    assert.deepEqual([told, stderr], ["CHROMIUM=chromium REQUIRE_CHROMIUM=1", ""]);
  });

  test("requires none where none can be had, and says what is not tested", () => {
    const fails = "#!/bin/sh\nexit 100\n";
    const without: Record<string, string>[] = [
      {},
      { "apt-get": fails },
      { "apt-get": fails, chromium: ADVISES },
    ];
    for (const programs of without) {
      const { told, stderr } = run(programs);
      assert.equal(told, "CHROMIUM= REQUIRE_CHROMIUM=");
      assert.match(stderr, /^!!! NO CHROMIUM: .*NOT TESTED in a browser\.$/m);
    }
  });
});

function which(tool: string): string {
  return spawnSync("/bin/sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).stdout.trim();
}
