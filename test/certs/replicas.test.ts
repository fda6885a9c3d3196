import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import { DEFAULT_ROTATION } from "../../certs/rotation.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { SelfManagedCertificates } from "../../certs/self-managed.ts";
import { sleep } from "../../src/clock.ts";
import { SECRETS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from "../../webhooks/registration.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryObjects, memoryApi } from "./memory-api.ts";

/** Short lives, so that several rotations fit into a run. */
const MINUTE_MS = 60_000;
const LOOK_EVERY_MS = 5_000;
const policy = {
  ...DEFAULT_ROTATION,
  dnsNames: ["svc.ns.svc"],
  ipAddresses: [],
  servingLifeMs: 6 * MINUTE_MS,
  authorityLifeMs: 10 * MINUTE_MS,
  overlapWaitMs: 10_000,
  retireAfterMs: 2 * MINUTE_MS,
};
/** What an API server may take to use a caBundle that it was given; less than overlapWaitMs. */
const API_SERVER_LAG_MS = 8_000;
const options = { target: { url: "https://127.0.0.1:1" }, caPem: "" };
const desired = [mutatingWebhookConfiguration(options), validatingWebhookConfiguration(options)];

/** Replicas whose calls take effect, and are answered, in an order that `choose` decides. */
class Cluster {
  readonly clock = new ManualClock(Date.UTC(2026, 0, 1));
  readonly objects = new MemoryObjects();
  readonly replicas: { source: SelfManagedCertificates; crash: () => void }[] = [];
  #turns: (() => void)[] = [];
  /** caBundles of one registration, each with the time until which an API server may still use it. */
  #bundles: { text: string; untilMs: number }[] = [];

  constructor(replicas: number) {
    this.objects.put(VALIDATING_WEBHOOK_CONFIGURATIONS, desired[1]!);
    for (let index = 0; index < replicas; index += 1) this.replicas.push(this.#start());
  }

  #turn = () => new Promise<void>((resolve) => void this.#turns.push(resolve));

  #start() {
    let alive = true;
    const turn = async () => {
      if (!alive) return new Promise<void>(() => {});
      await this.#turn();
    };
    const api = memoryApi(this.objects, turn);
    const store = new SecretStore({ api, namespace: "ns", name: "certs" });
    const keeper = new CaBundleKeeper({ api, desired, log: silentLog });
    const source = new SelfManagedCertificates({ store, keeper, policy, clock: this.clock, log: silentLog });
    const run = async () => {
      while (alive) {
        await source.look();
        await sleep(this.clock, LOOK_EVERY_MS);
      }
    };
    void run();
    const crash = () => {
      alive = false;
    };
    return { source, crash };
  }

  restart(index: number): void {
    const at = index % this.replicas.length;
    this.replicas[at]!.crash();
    this.replicas[at] = this.#start();
  }

  /** Lets one waiting call go on, and everything that follows from it. */
  async step(choose: number, ms: number): Promise<void> {
    this.clock.advance(this.#turns.length === 0 ? LOOK_EVERY_MS / 5 : ms);
    const [go] = this.#turns.splice(choose % this.#turns.length, 1);
    go?.();
    await new Promise((resolve) => setImmediate(resolve));
    this.#check();
  }

  /** Each bundle that an API server may use now trusts each certificate that a replica may serve now. */
  #check(): void {
    const nowMs = this.clock.wallMs();
    const object = this.objects.get(VALIDATING_WEBHOOK_CONFIGURATIONS, "beskar7-claim-coordinator");
    const entries = object?.webhooks as { clientConfig: { caBundle?: string } }[];
    const text = Buffer.from(entries[0]!.clientConfig.caBundle ?? "", "base64").toString();
    this.#bundles = this.#bundles.filter(({ untilMs }) => untilMs >= nowMs);
    for (const bundle of this.#bundles) bundle.untilMs = Math.min(bundle.untilMs, nowMs + API_SERVER_LAG_MS);
    const known = this.#bundles.find((bundle) => bundle.text === text);
    if (known) known.untilMs = Number.POSITIVE_INFINITY;
    else if (text !== "") this.#bundles.push({ text, untilMs: Number.POSITIVE_INFINITY });
    for (const { source } of this.replicas) {
      const certPem = serving(source);
      if (certPem === undefined) continue;
      for (const bundle of this.#bundles)
        assert(trusts(bundle.text, certPem, nowMs), "a review would have failed");
    }
  }

  authority(): string {
    return String(
      (this.objects.get(SECRETS, "certs")?.data as Record<string, string> | undefined)?.["ca.crt"],
    );
  }
}

function serving(source: SelfManagedCertificates): string | undefined {
  try {
    return source.current().certPem;
  } catch {
    return undefined;
  }
}

const parsed = new Map<string, X509Certificate>();
const ends = new Map<string, number>();
const signed = new Map<string, boolean>();

function remembered<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}

function trusts(bundle: string, certPem: string, nowMs: number): boolean {
  const certificate = remembered(parsed, certPem, () => new X509Certificate(certPem));
  return (
    nowMs <= remembered(ends, certPem, () => certificate.validToDate.getTime()) &&
    remembered(signed, bundle + certPem, () =>
      bundle
        .split(/(?<=-----END CERTIFICATE-----\n)/)
        .some((pem) => certificate.verify(new X509Certificate(pem).publicKey)),
    )
  );
}

test("no review fails for its certificate, whatever the order of writes and whoever crashes, through rotations", async () => {
  const run = fc.record({
    replicas: fc.integer({ min: 1, max: 4 }),
    seed: fc.integer(),
    crashEvery: fc.integer({ min: 20, max: 4_000 }),
  });
  await fc.assert(
    fc.asyncProperty(run, async ({ replicas, seed, crashEvery }) => {
      const cluster = new Cluster(replicas);
      let state = seed;
      const random = (below: number) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
        return (state >>> 8) % below;
      };
      const authorities = new Set<string | undefined>();
      for (let count = 1; count <= 8_000 && authorities.size < 4; count += 1) {
        if (count % crashEvery === 0) cluster.restart(random(replicas));
        await cluster.step(random(1_000), random(400));
        authorities.add(cluster.authority());
      }
      // A replica that crashes all the time never sees an authority published for long enough.
      assert(authorities.size === 4 || crashEvery < 1_000, `${authorities.size} authorities`);
    }),
    { numRuns: 8 },
  );
});
