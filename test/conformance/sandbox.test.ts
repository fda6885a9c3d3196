import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { createKubeHttp, findBinaries, requestPodToken, runKubectl } from "../controlplane/index.ts";
import { conformance } from "./suite.ts";
import { STRANGER, type Target } from "./target.ts";

conformance("the sandbox", {
  truth: false,
  async start(): Promise<Target> {
    const sandbox = await startSandbox();
    const { url, caPem } = sandbox;
    const token = sandbox.core.tokens.tokenOf("admin")!;
    const call = createKubeHttp({ url, caPem, token });
    const folder = mkdtempSync(join(tmpdir(), "sandbox-"));
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, sandbox.kubeconfig(), { mode: 0o600 });
    const kubectl = (await findBinaries())?.kubectl;
    return {
      url,
      caPem,
      call,
      strangerToken: sandbox.addUser({ username: STRANGER, groups: [] }),
      podToken: (...pod) => requestPodToken(call, ...pod),
      ...(kubectl && {
        kubectl: (args, options) =>
          runKubectl(kubectl, folder, [`--kubeconfig=${kubeconfig}`, ...args], options),
      }),
      compact: async () => sandbox.compact(),
      async stop() {
        call.close();
        await sandbox.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
});
