import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { webhookEntries } from "../../certs/registration-diff.ts";
import { type CertificateState, DEFAULT_ROTATION, takeStep, trustBundle } from "../../certs/rotation.ts";
import { readState, writeState } from "../../certs/secret-state.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { servingNames } from "../../certs/serving-names.ts";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { FLAGS } from "../../src/config/flags.ts";
import { MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { REGISTRATION_NAME } from "../../webhooks/registration.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { ContinuousClaims } from "./continuous-claims.ts";
import { Objects } from "./objects.ts";
import { type ProcessReplica, startProcessReplica } from "./process-replica.ts";
import { LEASE_NAMESPACE, type PodClient, Rig, until } from "./rig.ts";

const name = "a rotation of the authority under continuous claims";
const SECRET = FLAGS.certSecretName.default;
const REPLICAS = 3;
const CLIENTS = 6;
const DAY_MS = 24 * 3_600_000;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 240_000 }, () => {
  let rig: Rig;
  let store: SecretStore;
  const clients: PodClient[] = [];
  const replicas: ProcessReplica[] = [];

  before(async () => {
    rig = await Rig.start();
    store = new SecretStore({ api: rig.admin, namespace: LEASE_NAMESPACE, name: SECRET });
    for (let index = 0; index < CLIENTS; index++) clients.push(await rig.podClient(`controller-${index}`));
  });
  after(async () => {
    for (const replica of replicas) await replica.stop("SIGKILL");
    for (const client of clients) client.api.close();
    await rig?.stop();
  });

  const policy = () => ({
    ...DEFAULT_ROTATION,
    ...servingNames({ url: `https://127.0.0.1:${rig.balancer.port}` }),
  });

  async function stored(): Promise<CertificateState> {
    const read = readState((await store.read()).data);
    assert.ok(read.ok);
    return read.state;
  }

  /** The caBundles of all entries of both configurations: one, unless they differ. */
  async function published(): Promise<string[]> {
    const types = [MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS];
    const found = await Promise.all(types.map((type) => rig.admin.get(type, { name: REGISTRATION_NAME })));
    const bundles = found.flatMap(webhookEntries).map(({ clientConfig }) => clientConfig?.caBundle ?? "");
    return [...new Set(bundles)].map((bundle) => Buffer.from(bundle, "base64").toString("utf8"));
  }

  /** Whether a new connection to each replica is answered with a certificate of this authority. */
  async function servedUnder(authorityPem: string): Promise<boolean> {
    const authority = new X509Certificate(authorityPem);
    const served = await Promise.all(
      replicas.map(async ({ port }) => {
        const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
        await once(socket, "secureConnect");
        const certificate = socket.getPeerX509Certificate();
        socket.destroy();
        return certificate?.verify(authority.publicKey) === true;
      }),
    );
    return served.every(Boolean);
  }

  /** Until another authority than this one signs, everywhere, and everybody is told to trust it. */
  async function untilRotated(former: CertificateState, claims: ContinuousClaims): Promise<CertificateState> {
    let now = former;
    await claims.until(async () => {
      now = await stored();
      if (now.authority.certPem === former.authority.certPem || now.next !== null) return false;
      const bundles = await published();
      return bundles.length === 1 && bundles[0] === trustBundle(now) && servedUnder(now.authority.certPem);
    });
    assert.deepEqual(claims.failures, [], `of ${claims.claimed} claims`);
    return now;
  }

  test("fails no claim, be it due when the replicas start or begun while they serve", async () => {
    // Three quarters of its life are over.
    const validity = { notBeforeMs: Date.now() - 3 * DAY_MS, notAfterMs: Date.now() + DAY_MS };
    const authority = createAuthority({ commonName: "aged", ...validity });
    const fresh = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + DAY_MS };
    const serving = issueServing(authority, { ...policy(), ...fresh });
    const aged: CertificateState = { authority, serving, next: null, retired: null };
    await store.write(await store.read(), writeState(aged));
    for (let index = 0; index < REPLICAS; index++) {
      const options = { stands: false, caOverlapWait: "2s" };
      replicas.push(await startProcessReplica(rig, `coordinator-${index}`, options));
    }
    rig.balancer.setTargets(replicas.map(({ port }) => port));
    const objects = await Objects.in(rig.admin, "rotation");
    const probe = await objects.host("probe");
    await until(() =>
      objects.claim(clients[0]!.api, probe, "nobody", { dryRun: true }).then(
        () => true,
        () => false,
      ),
    );

    const claims = await ContinuousClaims.start(objects, clients);
    const second = await untilRotated(aged, claims);
    assert.equal(second.retired?.certPem, aged.authority.certPem);
    const claimedBefore = claims.claimed;
    const begun = takeStep(second, "prepare-authority", Date.now(), policy());
    await store.write(await store.read(), writeState(begun));
    const third = await untilRotated(second, claims);
    assert.equal(third.authority.certPem, begun.next?.certPem);
    await claims.stop();
    assert.deepEqual([claims.failures, [...claims.refusals]], [[], []], `of ${claims.claimed} claims`);
    assert.ok(claimedBefore > CLIENTS && claims.claimed > claimedBefore + CLIENTS, "claims went on and on");
  });
});
