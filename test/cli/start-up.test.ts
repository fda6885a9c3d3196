import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { kubeconfigYaml } from "../../src/sandbox/kubeconfig.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";

const ROOT = join(import.meta.dirname, "../..");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** A manager whose health door is open; `readyz` asks until it answers at all. */
async function startProcess(kubeconfig: string, folder: string, flags: string[] = []) {
  const file = join(folder, "kubeconfig");
  writeFileSync(file, kubeconfig);
  const port = await freePort();
  const args = [
    "src/main.ts",
    "manager",
    `--kubeconfig=${file}`,
    `--health-probe-bind-address=127.0.0.1:${port}`,
    "--metrics-bind-address=0",
    "--webhook-bind-address=127.0.0.1:0",
    ...flags,
  ];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "ignore" });
  const readyz = async (): Promise<{ code: number; text: string }> => {
    for (;;) {
      assert.equal(child.exitCode, null, "the process ended");
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
        return { code: answer.status, text: await answer.text() };
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const stop = async () => {
    child.kill("SIGTERM");
    return (await once(child, "exit"))[0];
  };
  return { readyz, stop, kill: () => child.kill("SIGKILL") };
}

describe("a manager that can't begin yet", { timeout: 60_000 }, () => {
  test("tells its probe what is missing while no API server answers, and ends when it is told to", async () => {
    const folder = mkdtempSync(join(tmpdir(), "start-up-"));
    const url = `https://127.0.0.1:${await freePort()}`;
    const { readyz, stop, kill } = await startProcess(
      kubeconfigYaml({ url, caPem: "", username: "u", token: "t" }),
      folder,
    );
    try {
      const { code, text } = await readyz();
      assert.equal(code, 503);
      assert.match(text, /\[-\]identity failed: the API server has not said yet how it sees this replica/);
      assert.equal(await stop(), 0);
    } finally {
      kill();
      rmSync(folder, { recursive: true });
    }
  });

  test("does so too while it has no certificate", async () => {
    const folder = mkdtempSync(join(tmpdir(), "start-up-"));
    const sandbox = await startSandbox();
    const { readyz, stop, kill } = await startProcess(sandbox.kubeconfig(), folder, [
      `--webhook-cert-dir=${folder}`,
    ]);
    try {
      let answer = await readyz();
      while (/\[-\]identity/.test(answer.text)) answer = await readyz();
      assert.equal(answer.code, 503);
      assert.match(answer.text, /\[-\]certificate failed: there is no serving certificate yet/);
      assert.match(answer.text, /\[-\]port failed/);
      assert.equal(await stop(), 0);
    } finally {
      kill();
      await sandbox.close();
      rmSync(folder, { recursive: true });
    }
  });
});
