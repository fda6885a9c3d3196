import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, afterEach, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import { install } from "../../src/cli/install.ts";
import { CLUSTER_ROLES, ROLE_BINDINGS } from "../../src/cli/install-types.ts";
import { systemClock } from "../../src/clock.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { type ControlPlane, skipWithoutControlPlane, startControlPlane } from "../controlplane/index.ts";
import { apiFor } from "../e2e/rig.ts";
import { until } from "../e2e/until.ts";
import { diagnose } from "./cluster.ts";
import { createPod, createService, deletePods, replicaPod } from "./pods.ts";

const name = "doctor on an installation without a running replica";
const NAMES = {
  namespace: "beskar7-system",
  leaseNamespace: "beskar7-system",
  certSecret: "beskar7-claim-coordinator-certs",
  registration: "beskar7-claim-coordinator",
};
const ROOT = new URL("../..", import.meta.url).pathname;
const SERVICE = "beskar7-claim-coordinator";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let plane: ControlPlane;
  let admin: KubeClient;

  before(async () => {
    plane = await startControlPlane({ users: [{ name: "nobody", groups: [] }] });
    admin = apiFor(plane.kubeconfig());
    await installAll();
    await createService(admin);
  });
  afterEach(() => deletePods(admin));
  after(async () => {
    admin?.close();
    await plane?.stop();
  });

  async function installAll(): Promise<void> {
    const target = { service: { namespace: NAMES.namespace, name: SERVICE } };
    const printed: string[] = [];
    const print = (text: string) => void printed.push(text);
    const options = { api: admin, clock: systemClock, log: silentLog, names: NAMES, print };
    assert.equal(await install({ ...options, registration: { target } }), 0, printed.join("\n"));
  }

  const pods = async (...all: ReturnType<typeof replicaPod>[]) => {
    for (const pod of all) await createPod(admin, pod);
  };

  test("nobody runs: no Lease, no replica, no certificate, no kind of host; rights and registration are there", async () => {
    const { code, problems, findings } = await diagnose(admin);
    assert.equal(code, 1);
    assert.deepEqual(problems, ["LeaseMissing", "NoReplicas", "CertificateMissing", "HostsNotServed"]);
    const fine = findings.filter(({ severity }) => severity === "ok").map(({ what }) => what);
    assert.match(fine.join("\n"), /beskar7-claim-coordinator has all of \d+ rights/);
    assert.match(fine.join("\n"), /ValidatingWebhookConfiguration beskar7-claim-coordinator is as installed/);
    for (const { severity, why, mend } of findings) {
      assert.equal(
        why !== "" && mend !== "",
        severity !== "ok",
        "a problem says why it matters and what mends it",
      );
    }
  });

  test("a removed right is named, as kubectl auth can-i takes it", async () => {
    const role = await admin.get(CLUSTER_ROLES, { name: SERVICE });
    const rules = (role.rules as { resources: string[]; verbs: string[] }[]).map((rule) =>
      rule.resources.includes("claimrequests/status") ? { ...rule, verbs: ["get"] } : rule,
    );
    await admin.update(CLUSTER_ROLES, { ...role, rules });
    await admin.delete(ROLE_BINDINGS, { namespace: NAMES.namespace, name: "beskar7-leader-election" });
    let missing: string[] = [];
    await until(async () => {
      missing = (await diagnose(admin)).of("RightMissing");
      return missing.length === 2;
    });
    const who = `error system:serviceaccount:beskar7-system:${SERVICE} may not`;
    const verbs = "get, list, watch, create, update, patch, delete";
    assert.deepEqual(missing.sort(), [
      `${who} ${verbs} leases.coordination.k8s.io in namespace beskar7-system`,
      `${who} patch claimrequests/status.claims.beskar7.io`,
    ]);
    await installAll();
    await until(async () => (await diagnose(admin)).of("RightMissing").length === 0);
  });

  test("a caller without rights is told what could not be looked at", async () => {
    const nobody = apiFor(plane.kubeconfig({ user: "nobody" }));
    const { code, problems, of } = await diagnose(nobody);
    nobody.close();
    assert.deepEqual([code, problems], [0, ["NotReadable", "RightsNotChecked"]]);
    assert.match(of("RightsNotChecked").join(), /of the service's \d+ rights nobody itself lacks \d+$/);
    assert.match(of("NotReadable").join("\n"), /The Lease: .*User "nobody" cannot get resource "leases"/);
  });

  test("a registration that is gone or edited is told line by line", async () => {
    const key = { name: NAMES.registration };
    const body = [
      { op: "replace", path: "/webhooks/0/timeoutSeconds", value: 3 },
      { op: "remove", path: "/webhooks/1/matchConditions" },
    ];
    await admin.patch(VALIDATING_WEBHOOK_CONFIGURATIONS, key, { type: "json", body });
    const edited = (await diagnose(admin)).of("RegistrationEdited");
    assert.match(edited[0]!, /^warning Validating\S+ \S+: physicalhosts\.\S+\.timeoutSeconds is 3, not 10$/);
    assert.match(edited[1]!, /^error Validating\S+ \S+: baremetalhosts\.\S+\.matchConditions is undefined/);
    await admin.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, key);
    const gone = (await diagnose(admin)).of("RegistrationMissing");
    assert.deepEqual(gone, [`error There is no ValidatingWebhookConfiguration ${NAMES.registration}`]);
    await installAll();
  });

  test("replicas that are not ready, differ in flags or have bad ones are named", async () => {
    await pods(
      replicaPod("replica-0"),
      replicaPod("replica-1", { ready: false, args: ["--claim-coordinator-retry-period=1s"] }),
      replicaPod("replica-2", { args: ["--lease-name=mine"] }),
      replicaPod("replica-3", { args: ["--claim-coordinator-lease-duration=5s"] }),
    );
    const { of } = await diagnose(admin);
    assert.deepEqual(of("ReplicaNotReady"), ["warning replica-1 is not ready: mirrors: not known yet"]);
    assert.deepEqual(of("FlagsRefused"), [
      'error replica-3: --claim-coordinator-lease-duration is "5s", want more than --claim-coordinator-renew-deadline (10s)',
    ]);
    assert.deepEqual(of("FlagsDiffer"), [
      "warning --claim-coordinator-retry-period differs: 2000 in replica-0, replica-2; 1000 in replica-1",
      'error --lease-name differs: "beskar7-claim-coordinator-leader" in replica-0, replica-1; "mine" in replica-2',
    ]);
  });

  test("replicas of which none stands for election are told, and a missing Lease is no error then", async () => {
    const args = ["--enable-claim-coordinator-leader-election=false"];
    await pods(replicaPod("replica-0", { args }), replicaPod("replica-1", { args }));
    const { of } = await diagnose(admin);
    assert.match(of("NobodyStands").join(), /^warning .* is false for all of 2 replicas$/);
    assert.match(of("LeaseMissing").join(), /^warning There is no Lease/);
  });

  test("replicas that look alike, and tokens that are bound to no pod, are told", async () => {
    await pods(
      replicaPod("replica-0", { podName: "coordinator", tokenBound: false }),
      replicaPod("replica-1", { podName: "coordinator" }),
      replicaPod("replica-2"),
    );
    const { of } = await diagnose(admin);
    assert.deepEqual(of("TokenNotBound"), ["error The token of replica-0 is bound to no pod"]);
    assert.match(
      of("IdentityShared").join(),
      /^error replica-0, replica-1 call themselves coordinator: POD_NAME is/,
    );
  });

  test("the missing CRD of the queue is told", async () => {
    await admin.delete(CUSTOM_RESOURCE_DEFINITIONS, { name: "claimrequests.claims.beskar7.io" });
    await until(async () => (await diagnose(admin)).problems.includes("RequestsNotServed"));
  });

  test("the command line prints it, and ends with 1 for errors", async () => {
    const words = ["src/main.ts", "doctor", "-o", "yaml", "--kubeconfig", plane.kubeconfigFile()];
    const ended = await promisify(execFile)(process.execPath, words, { cwd: ROOT }).catch((error) => error);
    assert.equal(ended.code, 1, ended.stderr);
    const { healthy, findings } = parse(ended.stdout);
    assert.equal(healthy, false);
    assert(findings.some(({ id }: { id: string }) => id === "NoReplicas"));
  });

  test("an API server that is away is the one finding", async () => {
    await plane.killApiServer();
    const { code, problems, of } = await diagnose(admin);
    await plane.startApiServer();
    assert.deepEqual([code, problems], [1, ["ApiServerUnreachable"]]);
    assert.match(of("ApiServerUnreachable").join(), /ECONNREFUSED/);
  });
});
