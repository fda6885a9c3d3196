import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { ADMIN, startSandbox } from "../../src/sandbox/sandbox.ts";
import { createKubeHttp } from "../controlplane/kube-http.ts";
import { sandboxCrds } from "../fixtures/crds.ts";
import { percentile } from "./contention-load.ts";
import type { Bench, Row } from "./main.ts";

const STARTS = 20;
const FIRST_QUESTION = "/apis/claims.beskar7.io/v1alpha1/claimrequests";

/** The embedded API server with every definition that this project needs, over TLS, until it answers for one of them. */
export const sandboxBench: Bench = {
  name: "sandbox",
  async run(): Promise<Row[]> {
    const times: number[] = [];
    for (let start = 0; start < STARTS; start++) times.push(await startMs());
    const figure = `sandbox start to first answer, ${STARTS} starts in one process`;
    return [
      { figure: `${figure}, the first`, value: times[0] ?? Number.NaN, unit: "ms", limit: 300 },
      { figure: `${figure}, p50`, value: percentile(times, 50), unit: "ms", limit: 300 },
      { figure: `${figure}, worst`, value: Math.max(...times), unit: "ms", limit: 300 },
    ];
  },
};

async function startMs(): Promise<number> {
  const startedMs = performance.now();
  const sandbox = await startSandbox({ crds: [...sandboxCrds(), claimRequestDefinition()] });
  try {
    const token = sandbox.addUser({ ...ADMIN, username: "bench" });
    const call = createKubeHttp({ url: sandbox.url, caPem: sandbox.caPem, token });
    const { code } = await call("GET", FIRST_QUESTION);
    const tookMs = performance.now() - startedMs;
    call.close();
    if (code !== 200) throw new Error(`the first answer was ${code}`);
    return tookMs;
  } finally {
    await sandbox.close();
  }
}
