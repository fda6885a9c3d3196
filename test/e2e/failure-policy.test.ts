import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import { createAuthority } from "../../certs/x509.ts";
import { MUTATING_WEBHOOK_CONFIGURATIONS, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { skipWithoutControlPlane } from "../controlplane/index.ts";
import { consumerOf, Objects } from "./objects.ts";
import { type Refusal, refusalOf } from "./refusal.ts";
import { type PodClient, Rig, type RigReplica, until } from "./rig.ts";

const name = "while the coordinator does not answer";

describe(name, { skip: await skipWithoutControlPlane(name), timeout: 120_000 }, () => {
  let rig: Rig;
  let replica: RigReplica;
  let client: PodClient;
  let objects: Objects;
  let hosts = 0;

  before(async () => {
    rig = await Rig.start();
    replica = await rig.addReplica("coordinator-0", { stands: false });
    client = await rig.podClient("controller-0");
    objects = await Objects.in(rig.admin, "failures");
  });
  afterEach(async () => {
    rig.route(replica);
    await rig.register();
    await untilClaim((refusal) => refusal === null);
  });
  after(async () => {
    client?.api.close();
    await rig?.stop();
  });

  /** What a claim meets now; null: it passes. */
  async function tryClaim(): Promise<Refusal | null> {
    const host = await objects.host(`probe-${hosts++}`);
    const claim = objects.claim(client.api, host, "probe", { dryRun: true });
    return claim.then(
      () => null,
      () => refusalOf(claim),
    );
  }

  /** The API server learns of a changed registration a moment later. */
  async function untilClaim(wanted: (refusal: Refusal | null) => boolean): Promise<Refusal | null> {
    let refusal: Refusal | null = null;
    await until(async () => {
      refusal = await tryClaim();
      return wanted(refusal);
    });
    return refusal;
  }

  /** Everything but claims, on a host that is held and on one that is free. */
  async function otherWritesGoOn(): Promise<void> {
    const consumerRef = { kind: "Beskar7Machine", name: "owner", namespace: objects.namespace };
    const { metadata } = await objects.host(`held-${hosts++}`, { consumerRef });
    const key = { namespace: objects.namespace, name: metadata.name };
    const merge = (body: object, options = {}) =>
      client.api.patch(PHYSICAL_HOSTS, key, { type: "merge", body }, options);
    await merge({ metadata: { labels: { rack: "7" } } });
    await merge({ status: { state: "InUse" } }, { subresource: "status" });
    await merge({ spec: { consumerRef: { uid: "11111111-2222-4333-8444-555555555555" } } });
    assert.equal(consumerOf(await objects.release(client.api, metadata.name)), "");
    await client.api.delete(PHYSICAL_HOSTS, key);
  }

  const isInternal = (refusal: Refusal | null) => refusal?.code === 500 && refusal.reason === "InternalError";

  test("with failurePolicy Fail claims get 500 InternalError, and everything else goes on", async () => {
    rig.route();
    const refusal = await tryClaim();
    assert(isInternal(refusal), JSON.stringify(refusal));
    assert.match(
      refusal?.message ?? "",
      /^Internal error occurred: failed calling webhook "physicalhosts\.claims/,
    );
    await otherWritesGoOn();
    rig.route(replica);
    assert.equal(await tryClaim(), null);
  });

  test("a certificate of another authority is the same as no answer", async () => {
    await rig.register({ caPem: strangerPem() });
    const refusal = await untilClaim((now) => now !== null);
    assert(isInternal(refusal));
    assert.match(refusal?.message ?? "", /certificate signed by unknown authority/);
    await otherWritesGoOn();
  });

  test("silence is no answer either, after the registration's timeout", async () => {
    await rig.register({ timeoutSeconds: 1 });
    const silence = await BlackHole.start();
    rig.balancer.setTargets([silence.port], { cut: true });
    const refusal = await untilClaim(
      (now) => isInternal(now) && now?.message.includes("timeout=1s") === true,
    );
    assert.match(refusal?.message ?? "", /context deadline exceeded/);
    await otherWritesGoOn();
    await silence.stop();
  });

  /** Whether a claim passes that no verdict would let pass. */
  async function passesUnjudged(): Promise<boolean> {
    const host = await objects.host(`inspected-${hosts++}`, { state: "Inspecting" });
    const claim = objects.claim(client.api, host, "probe", { dryRun: true });
    return claim.then(
      () => true,
      () => false,
    );
  }

  test("with failurePolicy Ignore claims pass unjudged, be it down, silent, or with another's certificate", async () => {
    assert.equal(await passesUnjudged(), false);
    await rig.register({ failurePolicy: "Ignore", caPem: strangerPem() });
    await until(passesUnjudged);
    await rig.register({ failurePolicy: "Ignore", timeoutSeconds: 1 });
    await until(async () => !(await passesUnjudged()));
    const silence = await BlackHole.start();
    rig.balancer.setTargets([silence.port], { cut: true });
    assert.equal(await passesUnjudged(), true);
    await silence.stop();
    rig.route();
    assert.equal(await passesUnjudged(), true);
    const host = await objects.host("ignored", { state: "Inspecting" });
    assert.equal(consumerOf(await objects.claim(client.api, host, "machine")), "machine");
    assert.equal(await objects.phaseOf("machine"), "", "nobody was there to write it down");
    await otherWritesGoOn();
  });

  test("without its mutating half the validating one still judges and binds", async () => {
    await rig.unregister(MUTATING_WEBHOOK_CONFIGURATIONS);
    const before = replica.decisions.length;
    await until(async () => {
      replica.decisions.length = before;
      assert.equal(await tryClaim(), null);
      return replica.decisions.slice(before).every(({ webhook }) => webhook === "validate");
    });
    await objects.machine("half");
    const first = await objects.host("half-a");
    const claimed = await objects.claim(client.api, first, "half");
    assert.equal(claimed.metadata.annotations?.["claims.beskar7.io/mode"], undefined, "no stamps");
    assert.notEqual(await objects.phaseOf("half"), "");
    const refusal = await refusalOf(objects.claim(client.api, await objects.host("half-b"), "half"));
    assert.equal(refusal.verdict, "ConsumerHoldsHost");
  });
});

/** An authority that signed nothing of ours. */
function strangerPem(): string {
  const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  return createAuthority({ commonName: "another", ...validity }).certPem;
}

/** Accepts connections and never says a word. */
class BlackHole {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
    });
  }

  static async start(): Promise<BlackHole> {
    const hole = new BlackHole(createServer());
    await new Promise<void>((resolve) => hole.#server.listen(0, "127.0.0.1", resolve));
    return hole;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
