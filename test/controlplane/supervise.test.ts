import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { sleep, systemClock } from "../../src/clock.ts";
import { supervise } from "./supervise.ts";

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await sleep(systemClock, 10);
}

describe("a supervised process", () => {
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    test(`dies, and its folder goes, when the test process ends by ${signal}`, {
      timeout: 20_000,
    }, async () => {
      const folder = mkdtempSync(join(tmpdir(), "supervise-"));
      const parent = spawn(process.execPath, [join(import.meta.dirname, "orphan.fixture.ts"), folder]);
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(line.toString());
      assert.ok(exists(pid), "it runs while its parent does");
      parent.kill(signal);
      await until(() => !exists(pid) && !existsSync(folder));
    });
  }

  test("ends with its exit code when it ends by itself, and its folder stays", async () => {
    const folder = mkdtempSync(join(tmpdir(), "supervise-"));
    const lines: string[] = [];
    const child = await supervise("sh", ["-c", "echo one; echo two >&2; echo three; exit 7"], {
      logFile: join(folder, "log"),
      folder,
      onLine: (line) => lines.push(line),
    });
    assert.equal(await child.exited, "7");
    assert.deepEqual(lines, ["one", "three"]);
    assert.match(child.logTail(), /two/);
    assert.ok(existsSync(folder));
    rmSync(folder, { recursive: true });
  });

  test("can be stopped twice", async () => {
    const folder = mkdtempSync(join(tmpdir(), "supervise-"));
    const child = await supervise("sleep", ["600"], { logFile: join(folder, "log"), folder });
    await child.stop();
    await child.stop();
    assert.equal(await child.exited, "SIGKILL");
    rmSync(folder, { recursive: true });
  });
});
