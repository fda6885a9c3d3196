import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import { DEFAULT_ROTATION } from "../../certs/rotation.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { SelfManagedCertificates } from "../../certs/self-managed.ts";
import { install } from "../../src/cli/install.ts";
import { registrationObjects } from "../../src/cli/install-objects.ts";
import { systemClock } from "../../src/clock.ts";
import { EventRecorder } from "../../src/coordinator/events.ts";
import { createKubeApi, type KubeClient } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { registrationEvents } from "../../src/ops/registration-events.ts";
import { type ControlPlane, skipWithoutControlPlane, startControlPlane } from "../controlplane/index.ts";
import { until } from "../e2e/until.ts";

const name = "self-managed certificates on a real API server";
const names = {
  namespace: "beskar7-system",
  leaseNamespace: "beskar7-system",
  certSecret: "certs",
  registration: "beskar7-claim-coordinator",
};
const registration = { target: { service: { namespace: names.namespace, name: "svc" } } };

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let plane: ControlPlane;
  let admin: KubeClient;
  /** With the rights that install gives to the service, and no others. */
  let service: KubeClient;
  before(async () => {
    plane = await startControlPlane();
    const client = (token?: string) =>
      createKubeApi({
        config: loadKubeConfig({ kubeconfig: plane.kubeconfigFile({ token }) }),
        version: "test",
      });
    admin = client();
    const options = { api: admin, clock: systemClock, log: silentLog, names, registration, dryRun: false };
    assert.equal(await install({ ...options, print: () => {} }), 0);
    service = client(await plane.podToken(names.namespace, "beskar7-claim-coordinator", "replica-0"));
  });
  after(async () => {
    admin?.close();
    service?.close();
    await plane?.stop();
  });

  const keeper = () =>
    new CaBundleKeeper({ api: service, desired: registrationObjects(names, registration), log: silentLog });
  const replica = (failures: unknown[]) =>
    new SelfManagedCertificates({
      store: new SecretStore({ api: service, namespace: names.namespace, name: names.certSecret }),
      keeper: keeper(),
      policy: { ...DEFAULT_ROTATION, dnsNames: ["svc.beskar7-system.svc"], ipAddresses: [] },
      clock: systemClock,
      log: silentLog,
      onFailure: (error) => failures.push(error),
    });

  test("replicas with the installed rights agree, publish, and find what was installed unedited", async () => {
    const failures: unknown[] = [];
    const replicas = [replica(failures), replica(failures), replica(failures)];
    await Promise.all(replicas.map((source) => source.look()));
    assert.deepEqual(failures, []);
    const served = new Set(replicas.map((source) => source.current().certPem));
    assert.equal(served.size, 1);
    const looking = keeper();
    const found = await looking.read();
    assert.equal(found.length, 2);
    assert.deepEqual(
      [...looking.edits()].map(({ count }) => count),
      [0, 0],
    );
    assert.equal(looking.carry(found, replicas[0]!.current().caPem), true);
  });

  test("whoever repairs from an old view gets a conflict from the real server too", async () => {
    const looking = keeper();
    const old = await looking.read();
    assert.equal(await looking.repair(await looking.read(), "newer"), true);
    assert.equal(await looking.repair(old, "older"), false);
    assert.equal(looking.carry(await looking.read(), "newer"), true);
  });

  test("an edit is told by an Event that kubectl describe shows with the configuration", async () => {
    const key = { name: names.registration };
    const body = [{ op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" }];
    await admin.patch(VALIDATING_WEBHOOK_CONFIGURATIONS, key, { type: "json", body });
    const events = new EventRecorder({
      api: service,
      clock: systemClock,
      log: silentLog,
      random: Math.random,
      component: "test",
      instance: "replica-0",
    });
    const looking = keeper();
    looking.onEdited(registrationEvents(events, () => true));
    await looking.read();
    let text = "";
    await until(async () => {
      text = (await plane.kubectl(["describe", "validatingwebhookconfiguration", names.registration])).stdout;
      return text.includes("RegistrationEdited");
    });
    assert.match(
      text,
      /Warning +RegistrationEdited .*physicalhosts\.claims\.beskar7\.io\.failurePolicy is "Ignore"/,
    );
  });
});
