/**
 * A candidate in a process of its own, so that it can be killed. Arguments: kubeconfig, Lease, identity. Prints a
 * line when it leads.
 */
import { systemClock } from "../../src/clock.ts";
import { createKubeApi } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { Elector } from "../../src/leader/elector.ts";
import { silentLog } from "../../src/log.ts";

const [kubeconfig = "", name = "", identity = ""] = process.argv.slice(2);
const elector = new Elector({
  api: createKubeApi({ config: loadKubeConfig({ kubeconfig }), version: "test" }),
  clock: systemClock,
  log: silentLog,
  random: Math.random,
  namespace: "default",
  name,
  identity,
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
  onStartedLeading: () => console.log("leads"),
  onStoppedLeading() {},
});
await elector.run(new AbortController().signal);
