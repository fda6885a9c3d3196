/**
 * One of Beskar7's controllers as a process of its own, which can be killed: its argument is a kubeconfig. It says a
 * line once it works.
 */
import { systemClock } from "../../src/clock.ts";
import { createKubeApi } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { silentLog } from "../../src/log.ts";
import { Beskar7 } from "../../src/workload/beskar7.ts";

const [kubeconfig = ""] = process.argv.slice(2);
const controller = new Beskar7({
  api: createKubeApi({ config: loadKubeConfig({ kubeconfig }), version: "bench" }),
  clock: systemClock,
  log: silentLog,
  random: Math.random,
  release: "current",
});
await controller.start(new AbortController().signal);
console.log("works");
