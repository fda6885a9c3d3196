import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, test } from "node:test";

/** Notes that it ran, lets itself be held up, and "builds" a file into the folder after -o. */
const GO = `#!/bin/sh
echo run >> "$RUNS"
while [ -e "$HOLD" ]; do sleep 0.02; done
[ -e "$BROKEN" ] && { echo "undefined: x" >&2; exit 1; }
echo binary > "$3/binary"
`;

describe("the cache of Go programs", () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const runs = () =>
    existsSync(at("runs")) ? readFileSync(at("runs"), "utf8").trim().split("\n").length : 0;
  const cached = () => readdirSync(at("cache/beskar7-claim-coordinator"));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "go-build-"));
    mkdirSync(at("bin"));
    mkdirSync(at("module"));
    writeFileSync(at("bin/go"), GO, { mode: 0o755 });
    writeFileSync(at("module/go.mod"), "module fixture\n");
    writeFileSync(at("module/go.sum"), "");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const start = (): ChildProcess =>
    spawn(process.execPath, [join(import.meta.dirname, "go-build.fixture.ts"), at("module")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: `${at("bin")}:${process.env.PATH}`,
        XDG_CACHE_HOME: at("cache"),
        RUNS: at("runs"),
        HOLD: at("hold"),
        BROKEN: at("broken"),
      },
    });
  const finish = async (child: ChildProcess) => {
    const [stdout, stderr] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      once(child, "close"),
    ]);
    return { code: child.exitCode, folder: stdout.trim(), stderr };
  };
  const line = async (child: ChildProcess) => String((await once(child.stderr!, "data"))[0]);

  test("builds once, and not again", async () => {
    const first = await finish(start());
    const second = await finish(start());
    assert.equal(readFileSync(join(first.folder, "binary"), "utf8"), "binary\n");
    assert.equal(second.folder, first.folder);
    assert.equal(runs(), 1);
  });

  test("builds anew when the module's sums change", async () => {
    const first = await finish(start());
    writeFileSync(at("module/go.sum"), "other\n");
    const second = await finish(start());
    assert.notEqual(second.folder, first.folder);
    assert.equal(runs(), 2);
  });

  test("two processes at once build once", async () => {
    writeFileSync(at("hold"), "");
    const first = start();
    assert.match(await line(first), /Building a fixture/);
    const second = start();
    assert.match(await line(second), /Waiting for process/);
    rmSync(at("hold"));
    const results = await Promise.all([finish(first), finish(second)]);
    assert.deepEqual(
      results.map(({ code }) => code),
      [0, 0],
    );
    assert.equal(runs(), 1);
  });

  test("a build that was killed leaves nothing that looks finished, and the next one takes its lock", async () => {
    writeFileSync(at("hold"), "");
    const killed = start();
    await line(killed);
    killed.kill("SIGKILL");
    await once(killed, "exit");
    rmSync(at("hold"));
    const next = await finish(start());
    assert.equal(next.code, 0);
    assert.ok(existsSync(join(next.folder, "binary")));
    assert.deepEqual(cached(), [basename(next.folder)]);
  });

  test("a build that fails is told with Go's words and leaves nothing", async () => {
    writeFileSync(at("broken"), "");
    const { code, stderr } = await finish(start());
    assert.equal(code, 1);
    assert.match(stderr, /undefined: x/);
    assert.deepEqual(cached(), []);
  });
});
