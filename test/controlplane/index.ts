/**
 * A real Kubernetes control plane (etcd and kube-apiserver, no controllers) for tests.
 *
 *     import { describe, test, before, after } from "node:test";
 *     import { skipWithoutControlPlane, startControlPlane, type ControlPlane } from "../controlplane/index.ts";
 *
 *     describe("...", { skip: await skipWithoutControlPlane("...") }, () => {
 *       let plane: ControlPlane;
 *       before(async () => { plane = await startControlPlane({ users: [{ name: "alice", groups: ["ops"] }] }); });
 *       after(() => plane.stop());
 *       ...
 *     });
 *
 * plane.url, plane.caPem, plane.token("admin")           what a client needs
 * plane.kubeconfig({ user | token, namespace })          as text; kubeconfigFile() writes it and returns the path
 * plane.call("GET", "/api/v1/namespaces", { token })     raw HTTPS -> { code, headers, text, json() }
 * plane.kubectl(["get", "ns"], { user, input })          -> { code, stdout, stderr }
 * plane.podToken(namespace, serviceAccount, pod)         token with the pod's name in userInfo.extra
 * plane.addUser({ name, groups })                        restarts the API server
 * plane.restartApiServer() killApiServer() startApiServer() freezeApiServer() thawApiServer() restartEtcd()
 * plane.compact()                                        history is gone: 410
 * plane.metric("apiserver_request_total", { resource: "leases", verb: "UPDATE" })
 *
 * startElector({ kubeconfig: plane.kubeconfig(), namespace, name, identity, leaseDurationMs, ... })
 *     client-go's own leader election: elector.next("started"), freeze(), thaw(), stop("SIGTERM" | "SIGKILL")
 *
 * No controller-manager runs: namespaces are never emptied, owner references never followed, Deployments never
 * started, default service accounts never made. Several planes run at once, about 310 MB each. The servers die with
 * the test process, however it dies. The binaries come from KUBEBUILDER_ASSETS, from the cache
 * ($XDG_CACHE_HOME or ~/.cache, folder beskar7-claim-coordinator), or are built with Go in about 4 minutes.
 */
export { type Binaries, findBinaries } from "./binaries.ts";
export { type ControlPlane, type Identity, startControlPlane } from "./control-plane.ts";
export {
  buildElector,
  type ElectorEvent,
  type ElectorOptions,
  type ForeignElector,
  startElector,
} from "./elector.ts";
export { requireControlPlane, skipWithoutControlPlane } from "./gate.ts";
export { type PodTokenOptions, requestPodToken, type TokenUser } from "./identities.ts";
export {
  type Answer,
  type CallExtras,
  createKubeHttp,
  expectOk,
  type Json,
  type KubeHttp,
} from "./kube-http.ts";
export { type KubectlOptions, type KubectlResult, runKubectl } from "./kubectl.ts";
export type { ServerOptions } from "./servers.ts";
