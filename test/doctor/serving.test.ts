import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { systemClock } from "../../src/clock.ts";
import { SECRETS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { startWebhookServer } from "../../webhooks/server.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { Objects } from "../e2e/objects.ts";
import { Rig, type RigReplica, until } from "../e2e/rig.ts";
import { type Diagnosis, diagnose } from "./cluster.ts";

const name = "doctor on webhooks and certificates";
const SECRET = { namespace: "beskar7-system", name: "beskar7-claim-coordinator-certs" };
const DAY_MS = 24 * 3_600_000;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let replica: RigReplica;
  let flags: string[];

  before(async () => {
    rig = await Rig.start();
    replica = await rig.addReplica("coordinator-0");
    flags = [`--webhook-url=https://127.0.0.1:${rig.balancer.port}`];
    const pool = await Objects.in(rig.admin, "pool");
    await pool.host("host-1");
    await until(() => replica.replica.isLeading());
  });
  afterEach(async () => {
    rig.route(replica);
    await rig.register();
    await untilTold(({ problems }) => problems.length === 0);
  });
  after(() => rig?.stop());

  /** The API server learns of a changed registration a moment later. */
  async function untilTold(wanted: (diagnosis: Diagnosis) => boolean): Promise<Diagnosis> {
    let last: Diagnosis | undefined;
    await until(async () => {
      last = await diagnose(rig.admin);
      return wanted(last);
    });
    return last!;
  }

  test("nothing is wrong with a service that leads and reviews: exit code 0", async () => {
    const { code, problems, findings } = await untilTold((diagnosis) => diagnosis.problems.length === 0);
    assert.deepEqual([code, problems], [0, []]);
    const said = findings.map(({ what }) => what).join("\n");
    assert.match(said, /A trial claim of host pool\/host-1 was reviewed \(Delegated\)/);
    assert.match(said, /The caBundle of every webhook holds its authority/);
  });

  test("what is registered by a URL is taken to run there, unless a flag says otherwise", async () => {
    const elsewhere = ["--webhook-url=https://127.0.0.1:1"];
    const { of } = await diagnose(rig.admin, { flags: elsewhere });
    assert.equal(of("RegistrationEdited").length, 4);
    assert.match(of("CertificateMissing").join(), /^error Secret \S+ holds no certificate$/);
  });

  test("a trial claim that nobody answers is told with the API server's words, and nothing was claimed", async () => {
    rig.route();
    const { code, of } = await diagnose(rig.admin, { flags });
    assert.equal(code, 1);
    assert.match(
      of("WebhookUnreachable").join(),
      /^error A trial claim of host pool\/host-1: .*failed calling/,
    );
    const host = await new Objects(rig.admin, "pool").getHost("host-1");
    assert.equal((host.spec as { consumerRef?: unknown }).consumerRef, undefined);
  });

  test("with failurePolicy Ignore it passes unreviewed, which is told as well", async () => {
    rig.route();
    await rig.register({ failurePolicy: "Ignore" });
    const { of } = await untilTold((diagnosis) =>
      diagnosis.of("WebhookUnreachable").join().includes("passed"),
    );
    assert.deepEqual(of("WebhookUnreachable"), ["error A trial claim of host pool/host-1 passed unreviewed"]);
    assert.match(of("RegistrationEdited")[0]!, /^warning .*failurePolicy is "Ignore", not "Fail"$/);
  });

  test("a service that is reached and can't judge is told apart", async () => {
    const overloaded = await startWebhookServer(
      { host: "127.0.0.1", port: 0 },
      {
        routes: replica.replica.routes,
        fallback: (_request, response) => void response.writeHead(404).end(),
        tls: rig.tls,
        webhookTimeoutMs: 10_000,
        maxInflightReviews: 0,
        clock: systemClock,
        log: silentLog,
        onFailure: (route, request, failure) =>
          replica.replica.outcomes.fail(route === "/mutate" ? "mutate" : "validate", request, failure),
      },
    );
    rig.balancer.setTargets([overloaded.address.port], { cut: true });
    const { code, of } = await diagnose(rig.admin, { flags });
    await overloaded.close(0);
    assert.equal(code, 0);
    assert.match(of("WebhookCannotJudge").join(), /^warning .* could not judge it: Overloaded$/);
  });

  test("a caBundle that is missing, or another authority's, is told", async () => {
    const validity = { notBeforeMs: Date.now() - DAY_MS, notAfterMs: Date.now() + DAY_MS };
    await rig.register({ caPem: createAuthority({ commonName: "other", ...validity }).certPem });
    const mismatch = await untilTold(({ problems }) => problems.includes("CaBundleMismatch"));
    assert.equal(mismatch.of("CaBundleMismatch").length, 4, "two kinds of host, mutating and validating");
    await rig.register({ caPem: "" });
    const missing = await untilTold(({ problems }) => problems.includes("CaBundleMissing"));
    assert.match(
      missing.of("CaBundleMissing")[0]!,
      /^error physicalhosts\.\S+ of Mutating.* has no caBundle$/,
    );
  });

  /** The Secret with a certificate of this age, life and address; what is said of it. */
  async function storedCertificate(options: {
    fromMs: number;
    toMs: number;
    address: string;
  }): Promise<Diagnosis> {
    const validity = { notBeforeMs: Date.now() + options.fromMs, notAfterMs: Date.now() + options.toMs };
    const authority = createAuthority({ commonName: "ours", ...validity });
    const serving = issueServing(authority, { dnsNames: [], ipAddresses: [options.address], ...validity });
    const data = {
      "tls.crt": serving.certPem,
      "tls.key": serving.keyPem,
      "ca.crt": authority.certPem,
      "ca.key": authority.keyPem,
    };
    return withSecret(data);
  }

  async function withSecret(stringData: Record<string, string>): Promise<Diagnosis> {
    await rig.admin.create(SECRETS, { apiVersion: "v1", kind: "Secret", metadata: SECRET, stringData });
    // What is served would count, if anybody served.
    rig.route();
    const diagnosis = await diagnose(rig.admin, { flags });
    await rig.admin.delete(SECRETS, SECRET);
    return diagnosis;
  }

  test("a certificate that has expired, or is near it, or has another name is told", async () => {
    const expired = await storedCertificate({ fromMs: -2 * DAY_MS, toMs: -DAY_MS, address: "127.0.0.1" });
    assert.match(expired.of("CertificateExpired").join(), /^error The certificate of Secret \S+ expired at /);
    const due = await storedCertificate({ fromMs: -9 * DAY_MS, toMs: DAY_MS + 60_000, address: "127.0.0.1" });
    assert.match(due.of("CertificateNotRenewed").join(), /^warning .* is valid for another 1d, until /);
    const renamed = await storedCertificate({ fromMs: -DAY_MS, toMs: 9 * DAY_MS, address: "10.0.0.1" });
    assert.match(renamed.of("CertificateNameMismatch").join(), /does not cover 127\.0\.0\.1,/);
    assert.deepEqual(renamed.of("CertificateExpired"), []);
  });

  test("a Secret that can't be used is told with the reason", async () => {
    const { of } = await withSecret({ "tls.crt": "garbage", "ca.crt": "garbage" });
    assert.match(of("CertificateMissing").join(), /^error Secret \S+ can't be used: it can't be read/);
  });
});
