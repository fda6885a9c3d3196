import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { launchManager } from "../../src/cli/manager.ts";
import { parseConfig } from "../../src/config.ts";
import { createKubeApi } from "../../src/kube/client.ts";
import { readKubeConfig } from "../../src/kube/config.ts";
import { silentLog } from "../../src/log.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { until } from "../e2e/until.ts";

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };

test("a running manager takes reviews from the clients of a changed authority, and from no others", {
  timeout: 60_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "client-authority-"));
  const sandbox = await startSandbox();
  const api = createKubeApi({ config: readKubeConfig(sandbox.kubeconfig()), version: "test" });
  const end = new AbortController();
  t.after(async () => {
    end.abort();
    api.close();
    await sandbox.close();
    rmSync(folder, { recursive: true });
  });
  // An authority's own certificate is one that it vouches for, and not made for servers alone.
  const [first, second] = [1, 2].map((n) => createAuthority({ commonName: `clients ${n}`, ...validity }));
  const own = createAuthority({ commonName: "service", ...validity });
  const serving = issueServing(own, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });
  writeFileSync(join(folder, "tls.crt"), serving.certPem);
  writeFileSync(join(folder, "tls.key"), serving.keyPem);
  const clientCa = join(folder, "client-ca.crt");
  writeFileSync(clientCa, first!.certPem);
  const parsed = parseConfig(
    [
      "manager",
      `--webhook-cert-dir=${folder}`,
      `--webhook-client-ca-file=${clientCa}`,
      "--webhook-bind-address=127.0.0.1:0",
      "--metrics-bind-address=0",
      "--health-probe-bind-address=0",
    ],
    {},
  );
  assert.ok(parsed.ok);
  const manager = await launchManager(parsed.config, api, silentLog, end.signal);
  t.after(() => manager.stop());
  const { port } = manager.addresses.webhook;
  const isHeard = (client: typeof own) =>
    new Promise<boolean>((resolve) => {
      const pair = { ca: own.certPem, cert: client.certPem, key: client.keyPem };
      const call = request({ host: "127.0.0.1", port, path: "/mutate", agent: false, ...pair }, (answer) => {
        answer.resume();
        resolve(answer.statusCode === 405);
      });
      call.on("error", () => resolve(false)).end();
    });
  assert.deepEqual([await isHeard(first!), await isHeard(second!)], [true, false]);
  writeFileSync(clientCa, second!.certPem);
  await until(() => isHeard(second!));
  assert.equal(await isHeard(first!), false);
});
