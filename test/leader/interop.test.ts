import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { sleep, systemClock } from "../../src/clock.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import { createKubeApi, type KubeClient } from "../../src/kube/client.ts";
import { loadKubeConfig } from "../../src/kube/config.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { Mirror } from "../../src/kube/mirror.ts";
import { LEASES } from "../../src/kube/types.ts";
import { Elector } from "../../src/leader/elector.ts";
import { silentLog } from "../../src/log.ts";
import {
  buildElector,
  type ControlPlane,
  type ForeignElector,
  skipWithoutControlPlane,
  startControlPlane,
  startElector,
} from "../controlplane/index.ts";

const DURATIONS = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 500 };
const name = "Elector beside client-go's";
const skip = (await skipWithoutControlPlane(name)) || ((await buildElector()) ? false : "needs Go");

/** An elector of ours with its watch on the Lease, as a replica runs it. */
class Candidate {
  readonly identity: string;
  readonly elector: Elector;
  readonly led = Promise.withResolvers<void>();
  readonly lost = Promise.withResolvers<void>();
  /** Its writes and reads of the Lease fail from now on; its watch goes on. */
  cutOff = false;
  readonly #stop = new AbortController();
  readonly #ran: Promise<void>;

  constructor(api: KubeClient, lease: string, identity: string) {
    this.identity = identity;
    const common = { api, clock: systemClock, log: silentLog, random: Math.random, namespace: "default" };
    this.elector = new Elector({
      ...common,
      ...DURATIONS,
      api: {
        get: (...call) => this.#check() ?? api.get(...call),
        create: (...call) => this.#check() ?? api.create(...call),
        update: (...call) => this.#check() ?? api.update(...call),
      },
      name: lease,
      identity,
      onStartedLeading: () => this.led.resolve(),
      onStoppedLeading: () => this.lost.resolve(),
    });
    const mirror = new Mirror<KubeObject>({
      ...common,
      type: LEASES,
      fieldSelector: `metadata.name=${lease}`,
      project: (object) => object,
      onChange: (change) =>
        this.elector.noteLease(change.type === "set" ? change.value : null, mirror.resourceVersion),
    });
    mirror.start(this.#stop.signal);
    this.#ran = this.elector.run(this.#stop.signal);
  }

  #check(): Promise<never> | undefined {
    return this.cutOff ? Promise.reject(new KubeError("KUBE_TRANSPORT", "cut off")) : undefined;
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.#ran;
  }
}

describe(name, { skip }, () => {
  let plane: ControlPlane;
  let api: KubeClient;
  let lease: string;
  const ours: Candidate[] = [];
  const foreign: ForeignElector[] = [];
  before(async () => {
    plane = await startControlPlane();
    api = createKubeApi({ config: loadKubeConfig({ kubeconfig: plane.kubeconfigFile() }), version: "test" });
  });
  after(async () => {
    api?.close();
    await plane?.stop();
  });
  beforeEach(() => {
    lease = `lease-${randomUUID().slice(0, 8)}`;
  });
  afterEach(async () => {
    await Promise.all([
      ...ours.splice(0).map((candidate) => candidate.stop()),
      ...foreign.splice(0).map((elector) => elector.stop("SIGKILL")),
    ]);
  });

  const standOurs = (identity: string): Candidate => {
    const candidate = new Candidate(api, lease, identity);
    ours.push(candidate);
    return candidate;
  };
  const standForeign = async (identity: string, releaseOnCancel = true): Promise<ForeignElector> => {
    const options = {
      kubeconfig: plane.kubeconfig(),
      namespace: "default",
      name: lease,
      releaseOnCancel,
    };
    const elector = await startElector({ ...options, ...DURATIONS, identity });
    foreign.push(elector);
    return elector;
  };
  const record = async () => (await api.get(LEASES, { namespace: "default", name: lease })).spec as LeaseSpec;

  it("takes over from a client-go elector that was killed", async (t) => {
    const theirs = await standForeign("theirs");
    await theirs.next("started");
    const candidate = standOurs("ours");
    await theirs.stop("SIGKILL");
    const killedAtMs = systemClock.monotonicMs();
    await candidate.led.promise;
    t.diagnostic(`${Math.round(systemClock.monotonicMs() - killedAtMs)} ms after the kill`);
    const { holderIdentity, leaseTransitions } = await record();
    assert.deepEqual({ holderIdentity, leaseTransitions }, { holderIdentity: "ours", leaseTransitions: 1 });
  });

  it("is handed a Lease that client-go releases", async (t) => {
    const theirs = await standForeign("theirs");
    await theirs.next("started");
    const candidate = standOurs("ours");
    const stoppedAtMs = systemClock.monotonicMs();
    await Promise.all([theirs.stop("SIGTERM"), candidate.led.promise]);
    t.diagnostic(`${Math.round(systemClock.monotonicMs() - stoppedAtMs)} ms after SIGTERM`);
    assert.equal((await record()).leaseTransitions, 1);
  });

  it("hands its Lease to client-go by releasing it", async () => {
    const candidate = standOurs("ours");
    await candidate.led.promise;
    const theirs = await standForeign("theirs");
    await theirs.next("new-leader", "ours");
    await candidate.stop();
    await theirs.next("started");
    assert.equal((await record()).leaseTransitions, 1);
  });

  it("loses its Lease to client-go when it is cut off", async () => {
    const candidate = standOurs("ours");
    await candidate.led.promise;
    const theirs = await standForeign("theirs");
    await theirs.next("new-leader", "ours");
    candidate.cutOff = true;
    await theirs.next("started");
    assert.equal(candidate.elector.termHolds(), null);
    await candidate.lost.promise;
    candidate.cutOff = false;
    assert.equal((await record()).leaseTransitions, 1);
  });

  for (const releases of [false, true]) {
    // One that releases on its way out does so without looking whose Lease it is by then (client-go v0.36).
    it(`leads on when a frozen client-go elector is thawed that ${releases ? "releases" : "just ends"}`, async () => {
      const theirs = await standForeign("theirs", releases);
      await theirs.next("started");
      theirs.freeze();
      const candidate = standOurs("ours");
      await candidate.led.promise;
      theirs.thaw();
      await theirs.next("stopped");
      while ((await record()).holderIdentity !== "ours" || !candidate.elector.isLeader());
    });
  }

  it("contends with client-go's: one leads at a time, until the last", async () => {
    const theirs = await Promise.all([standForeign("their-1"), standForeign("their-2")]);
    standOurs("our-1");
    standOurs("our-2");
    const leads = (elector: ForeignElector) => elector.events.some(({ event }) => event === "started");
    for (let transitions = 0; transitions < 4; transitions++) {
      const leader = () => ours.find(({ elector }) => elector.isLeader()) ?? theirs.find(leads);
      while (leader() === undefined) await sleep(systemClock, 5);
      const leading = ours.filter(({ elector }) => elector.isLeader()).length + theirs.filter(leads).length;
      assert.equal(leading, 1);
      assert.equal((await record()).leaseTransitions, transitions);
      const last = leader()!;
      if (last instanceof Candidate) ours.splice(ours.indexOf(last), 1);
      else theirs.splice(theirs.indexOf(last), 1);
      await last.stop();
    }
    assert.equal((await record()).holderIdentity, "");
  });

  it("hands over within a second from replica to replica", async (t) => {
    const first = standOurs("first");
    await first.led.promise;
    const second = standOurs("second");
    while (second.elector.observation.record === undefined) await sleep(systemClock, 5);
    const stoppedAtMs = systemClock.monotonicMs();
    await first.stop();
    await second.led.promise;
    t.diagnostic(`${Math.round(systemClock.monotonicMs() - stoppedAtMs)} ms from shutdown to the new leader`);
    assert.equal(second.elector.termHolds()?.leaseTransitions, 1);
  });
});

interface LeaseSpec {
  holderIdentity: string;
  leaseTransitions: number;
}
