import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createAuthority } from "../../certs/x509.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { createKubeHttp } from "../controlplane/kube-http.ts";
import { holdLease } from "../e2e/held-lease.ts";
import { type ManagerReplica, startManagerReplica } from "../e2e/manager-replica.ts";
import { Objects } from "../e2e/objects.ts";
import { refusalOf } from "../e2e/refusal.ts";
import { Rig, until } from "../e2e/rig.ts";
import { type Diagnosis, diagnose } from "./cluster.ts";

const name = "doctor on what only running replicas know";
const GREEDY = { apiVersion: "", kind: "Beskar7Machine", namespace: "refused", name: "greedy", uid: "" };
/** Claims by others after which a holder that never claims is suspected; see HolderMatch. */
const SUSPICIOUS = 20;

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let tokenFile: string;
  let replicas: [ManagerReplica, ManagerReplica];

  before(async () => {
    rig = await Rig.start();
    const { token, api } = await rig.podClient("reader");
    api.close();
    tokenFile = join(rig.plane.folder, "token");
    writeFileSync(tokenFile, `${token}\n`);
    const enabled = "--enable-claim-coordinator-leader-election";
    replicas = [
      await startManagerReplica(rig, "coordinator-0", [enabled]),
      await startManagerReplica(rig, "coordinator-1", [enabled]),
    ];
    rig.balancer.setTargets(replicas.map(({ manager }) => manager.addresses.webhook.port));
    await until(() => replicas.some(({ manager }) => manager.replica.isLeading()));
  });
  after(async () => {
    for (const replica of replicas ?? []) await replica.stop();
    await rig?.stop();
  });

  const webhook = () => `--webhook-url=https://127.0.0.1:${rig.balancer.port}`;
  function ask(urls: readonly string[], ...flags: string[]): Promise<Diagnosis> {
    const withToken = flags.some((flag) => flag.startsWith("--metrics-token-file"));
    const token = withToken ? [] : [`--metrics-token-file=${tokenFile}`];
    const asked = urls.length === 0 ? [] : [`--metrics-url=${urls.join()}`];
    return diagnose(rig.admin, { flags: [webhook(), ...asked, ...token, ...flags] });
  }
  const metricsOf = ({ findings }: Diagnosis) =>
    findings.filter(({ id }) => id === "metrics").map(({ what }) => what);

  test("replicas that are well are said to be, over TLS and with a token", async () => {
    const diagnosis = await ask(replicas.map(({ peopleUrl }) => peopleUrl));
    assert.deepEqual(metricsOf(diagnosis), ["Replicas asked: 2; mirrors: 12, all heard of lately"]);
  });

  test("without a token, or with one that can't be read, nothing is known, and why", async () => {
    const [{ peopleUrl }] = replicas;
    const refused = await ask([peopleUrl], "--metrics-token-file=");
    const why = "the replica answered 401; --metrics-token-file names a token that may read metrics";
    assert.deepEqual(refused.of("NotReadable"), [`warning ${peopleUrl}/metrics: ${why}`]);
    const missing = await ask([peopleUrl], `--metrics-token-file=${tokenFile}.not`);
    assert.match(missing.of("NotReadable").join(), /\/metrics: ENOENT/);
  });

  test("a token is sent neither to a server with another authority's certificate nor over plain http", async () => {
    const [{ peopleUrl }] = replicas;
    const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
    await rig.register({ caPem: createAuthority({ commonName: "other", ...validity }).certPem });
    const distrusted = await ask([peopleUrl]);
    await rig.register();
    assert.match(distrusted.of("NotReadable").join(), /\/metrics: .*certificate/);

    const seen: (string | undefined)[] = [];
    const plain: Server = createServer(({ headers }, response) => {
      seen.push(headers.authorization);
      response.end(
        'beskar7_claim_coordinator_build_info{version="1"} 1\n' +
          'beskar7_claim_coordinator_watch_staleness_seconds{resource="physicalhosts"} 301.5\n',
      );
    });
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    const { of } = await ask([url]);
    plain.close();
    assert.deepEqual(seen, [undefined]);
    assert.deepEqual(of("MirrorStale"), [`warning ${url} last heard of physicalhosts 301.5 s ago`]);
  });

  test("a replica that nobody answers for is told", async () => {
    const { of } = await ask(["https://127.0.0.1:1"]);
    assert.match(of("NotReadable").join(), /^warning https:\/\/127\.0\.0\.1:1\/metrics: .*ECONNREFUSED/);
  });

  test("reviews that a replica could not judge are told with their reason", async () => {
    const { manager, peopleUrl } = replicas[1];
    const url = `https://127.0.0.1:${manager.addresses.webhook.port}`;
    const call = createKubeHttp({ url, caPem: rig.caPem });
    await call("POST", "/validate", { body: { kind: "AdmissionReview" } });
    call.close();
    const { of } = await ask([peopleUrl]);
    assert.match(of("ReviewsFailing").join(), /could not judge 1 of \d+ reviews: InternalError$/);
  });

  test("a claim that was refused for what it is, not for its turn, is told by the replica's Event", async () => {
    const objects = await Objects.in(rig.admin, "refused");
    const client = await rig.podClient("controller-0");
    const consumerRef = { kind: "Beskar7Machine", name: "greedy", namespace: "refused" };
    await objects.machine("greedy");
    const held = await objects.host("held", { consumerRef });
    const spare = await objects.host("spare");
    const knows = ({ manager }: ManagerReplica) => {
      const { world } = manager.replica;
      return world.host(held.metadata.uid ?? "") !== undefined && world.heldBy(GREEDY).length > 0;
    };
    await until(() => replicas.every(knows));
    const refusal = await refusalOf(objects.claim(client.api, spare, "greedy"));
    client.api.close();
    assert.equal(refusal.verdict, "ConsumerHoldsHost");
    let told: string[] = [];
    await until(async () => {
      told = (await ask([])).of("ClaimsRejected");
      return told.length > 0;
    });
    assert.match(told.join(), /^warning 1 claim refused with ConsumerHoldsHost \(refused\/greedy\)/);
  });

  test("two replicas that lead by different Leases are told", async () => {
    const flags = ["--enable-claim-coordinator-leader-election", "--lease-name=another"];
    const other = await startManagerReplica(rig, "coordinator-2", flags);
    await until(() => other.manager.replica.isLeading());
    const all = [...replicas, other];
    const { code, of } = await ask(all.map(({ peopleUrl }) => peopleUrl));
    await other.stop();
    assert.equal(code, 1);
    assert.match(
      of("SeveralLead").join(),
      new RegExp(`^error .*${other.peopleUrl} each say that they lead$`),
    );
  });

  test("a holder that no claim was ever recognised as is told by the replica that saw the claims", async () => {
    const objects = await Objects.in(rig.admin, "unmatched");
    const client = await rig.podClient("controller-0");
    // The replicas would take the Lease back from a holder without a process; they are stopped but one, which only enforces.
    for (const replica of replicas) await replica.stop();
    const watcher = await startManagerReplica(rig, "coordinator-3");
    rig.balancer.setTargets([watcher.manager.addresses.webhook.port], { cut: true });
    await holdLease(rig, "ghost-0", { foreign: true });
    await until(() => watcher.manager.replica.holder.state().kind === "valid");
    const host = await objects.host("host");
    await objects.machine("machine");
    // Each claim is judged once: /mutate refuses it.
    for (let claim = 0; claim < SUSPICIOUS; claim++)
      await refusalOf(objects.claim(client.api, host, "machine"));
    client.api.close();
    const { of } = await ask([watcher.peopleUrl]);
    await watcher.stop();
    assert.deepEqual(of("HolderUnmatched"), [
      `error ${watcher.peopleUrl} has never recognised the holder of the Lease in a claim`,
    ]);
  });
});
