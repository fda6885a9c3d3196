/** `npm start` as a person runs it: its own process, everything in it real but the cluster. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";

const ROOT = new URL("../..", import.meta.url).pathname;

function demo(...flags: string[]) {
  const child = spawn(process.execPath, ["src/main.ts", "demo", ...flags], { cwd: ROOT });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      printed += text;
      child.emit("printed");
    });
  }
  return {
    exit: once(child, "exit") as Promise<[number]>,
    printed: () => printed,
    interrupt: () => child.kill("SIGINT"),
    kill: () => child.kill("SIGKILL"),
    nextLine: () => once(child, "printed"),
    /** Resolves with the match as soon as something like it was printed. */
    async until(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const match = pattern.exec(printed);
        if (match !== null) return match;
        assert.equal(child.exitCode, null, printed);
        await once(child, "printed");
      }
    },
  };
}

describe("the demo", { timeout: 180_000 }, () => {
  it("with --once plays until every host has a machine, and says that all was right", async () => {
    const { exit, printed, kill } = demo("--once", "--seed=7", "--duration=90s");
    try {
      assert.deepEqual((await exit)[0], 0, printed());
      assert.match(printed(), /seed +7 \(--seed=7 makes the same workload again\)/);
      assert.match(printed(), /20 of 20 hosts have a machine; \d+ machines waited for them/);
      assert.match(printed(), /\n0 pairs of machines in the wrong order\n/);
      assert.match(printed(), /no host changed hands without a release, no machine held two hosts\n$/);
      const [, folder] = /KUBECONFIG=(\S+)\/kubeconfig/.exec(printed())!;
      assert.equal(existsSync(folder!), false);
    } finally {
      kill();
    }
  });

  it("runs on, with machines that come and go, until it is interrupted", async () => {
    const { exit, printed, interrupt, until, nextLine, kill } = demo();
    try {
      const [, page] = await until(/status page +(\S+)\n/);
      const [, kubeconfig] = await until(/KUBECONFIG=(\S+)\n/);
      assert.equal(existsSync(kubeconfig!), true);
      const answer = await fetch(page!);
      assert.equal(answer.status, 200);
      assert.match(await answer.text(), /<html/);
      await until(/leader coordinator-\d +waiting \d+ +hosts: 20 held/);
      // The first 30 machines are there from the start; this one comes when another has gone.
      for (let queue = ""; !queue.includes("machine-030"); await nextLine()) {
        queue = await (await fetch(`${page}api/v1/queue`)).text();
      }
      interrupt();
      assert.deepEqual((await exit)[0], 0, printed());
      assert.match(printed(), /no host changed hands without a release, no machine held two hosts\n$/);
      assert.equal(existsSync(kubeconfig!), false);
    } finally {
      kill();
    }
  });
});
