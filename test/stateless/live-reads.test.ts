import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Holder } from "../../src/coordinator/holder.ts";
import { World } from "../../src/coordinator/world.ts";
import { profileForMachineKind, profiles } from "../../src/hosts/profiles.ts";
import type { KubeApi, KubeObject, ListOptions, ResourceType } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { createdLease } from "../../src/leader/lease.ts";
import { LiveReads } from "../../src/stateless/live-reads.ts";
import { beskar7Machine, physicalHost } from "../fixtures/objects.ts";
import { FakeClock } from "../support/fake-clock.ts";

const LEASE = { namespace: "beskar7-system", name: "lease" };

/** An API server with these objects; what `served` leaves out is not found. */
class Shelf {
  objects: KubeObject[] = [];
  version = 100;
  served = ["PhysicalHost", "Beskar7Machine", "ClaimRequest"];
  lease: KubeObject | "absent" | "unreadable" = "absent";
  readonly listed: string[] = [];

  readonly api = {
    list: async (type: ResourceType, options: ListOptions = {}) => {
      this.listed.push(`${type.plural} ${options.namespace ?? "everywhere"}`);
      if (!this.served.includes(type.kind)) throw failure(404, "NotFound");
      const items = this.objects.filter(
        ({ kind, metadata }) =>
          kind === type.kind && (options.namespace === undefined || metadata.namespace === options.namespace),
      );
      return { metadata: { resourceVersion: String(this.version) }, items };
    },
    get: async () => {
      if (this.lease === "absent") throw failure(404, "NotFound");
      if (this.lease === "unreadable") throw failure(500, "InternalError");
      return this.lease;
    },
  } as unknown as KubeApi;

  put(...objects: KubeObject[]): void {
    for (const object of objects) {
      object.metadata.resourceVersion = String(++this.version);
      this.objects = [...this.objects.filter(({ metadata }) => metadata.uid !== object.metadata.uid), object];
    }
  }

  drop(uid: string): void {
    this.version++;
    this.objects = this.objects.filter(({ metadata }) => metadata.uid !== uid);
  }
}

function failure(code: number, reason: string): KubeError {
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, reason } as const;
  return new KubeError("KUBE_STATUS", reason, { status });
}

function setUp() {
  const shelf = new Shelf();
  const { api } = shelf;
  const clock = new FakeClock();
  const world = new World({
    hostKindOf: (kind) => profileForMachineKind(kind)?.hostType.kind,
    mayCrossNamespaces: () => false,
  });
  const holder = new Holder({
    api,
    clock,
    leaseNamespace: LEASE.namespace,
    leaseName: LEASE.name,
    retryPeriodMs: 2_000,
  });
  const problems: string[] = [];
  const onMachineProblems = ({ name }: { name: string }) => void problems.push(name);
  const live = new LiveReads({ api, world, holder, profiles, onMachineProblems });
  const look = (namespace = "a", everywhere = false) => live.look({ namespace }, { everywhere });
  return { shelf, world, holder, live, look, problems };
}

const host = (name: string, namespace = "a") => physicalHost({ name, namespace });
const uidOf = ({ metadata }: KubeObject) => metadata.uid ?? "";

describe("live reads", () => {
  test("a look makes the host's namespace known, and asks for no other", async () => {
    const { shelf, world, look } = setUp();
    const [near, far] = [host("near"), host("far", "b")];
    shelf.put(near, far, beskar7Machine({ name: "m", namespace: "a", waiting: true }));
    assert.equal(await look(), null);
    assert.ok(world.queue.hasHost(uidOf(near)));
    assert.equal(world.host(uidOf(far)), undefined);
    assert.equal(world.consumer("Beskar7Machine/a/m")?.machine?.waits, true);
    assert.ok(shelf.listed.every((list) => list.endsWith(" a")));
  });

  test("a consumer that may claim across namespaces is looked for in all of them", async () => {
    const { shelf, world, look } = setUp();
    const far = host("far", "b");
    shelf.put(far);
    await look("a", true);
    assert.notEqual(world.host(uidOf(far)), undefined);
  });

  test("what is gone at the next look is forgotten, in the namespaces that were looked at", async () => {
    const { shelf, world, look } = setUp();
    const [near, far] = [host("near"), host("far", "b")];
    const machine = beskar7Machine({ name: "m", namespace: "a" });
    shelf.put(near, far, machine);
    await look("a", true);
    for (const object of [near, far, machine]) shelf.drop(uidOf(object));
    await look("a");
    assert.equal(world.host(uidOf(near)), undefined);
    assert.equal(world.consumer("Beskar7Machine/a/m"), undefined);
    assert.notEqual(world.host(uidOf(far)), undefined, "nobody has looked there again");
  });

  test("what is newer than a list is not gone because the list lacks it", async () => {
    const { shelf, world, look } = setUp();
    await look();
    const mine = host("mine");
    mine.metadata.resourceVersion = String(shelf.version + 5);
    world.setHost(profiles[0]!.readHost(mine));
    await look();
    assert.notEqual(world.host(uidOf(mine)), undefined);
  });

  test("a machine that can't be read is told once for each version of it", async () => {
    const { shelf, look, problems } = setUp();
    const machine = beskar7Machine({
      name: "m",
      namespace: "a",
      annotations: { "claims.beskar7.io/priority": "high" },
    });
    shelf.put(machine);
    await look();
    await look();
    assert.deepEqual(problems, ["m"]);
    shelf.put(machine);
    await look();
    assert.deepEqual(problems, ["m", "m"]);
  });

  test("the Lease is read anew by each look", async () => {
    const { shelf, holder, look } = setUp();
    await look();
    assert.equal(holder.state().kind, "none");
    shelf.lease = createdLease({ ...LEASE, identity: "a_1", leaseDurationMs: 15_000 }, 0);
    await look();
    assert.equal(holder.state().kind, "valid");
    shelf.lease = "absent";
    shelf.version++;
    await look();
    assert.equal(holder.state().kind, "none");
  });

  test("no verdict may rest on a look that failed: of the Lease, or of any list", async () => {
    const { shelf, live, look } = setUp();
    shelf.lease = "unreadable";
    assert.equal(await look(), "the Lease could not be read");
    shelf.lease = "absent";
    const { list } = shelf.api;
    shelf.api.list = async () => Promise.reject(failure(500, "InternalError"));
    assert.equal(await look(), "InternalError");
    shelf.api.list = list;
    assert.equal(await look(), null);
    assert.equal(live.notReady(), null);
  });

  test("a kind that is not installed is none; without ClaimRequests nothing can be queued", async () => {
    const { shelf, live, look } = setUp();
    shelf.served = ["PhysicalHost"];
    assert.equal(await look(), null);
    assert.deepEqual(live.hostKindsServed(), ["PhysicalHost"]);
    assert.equal(live.requestsAvailable(), false);
    shelf.served.push("ClaimRequest");
    await look();
    assert.equal(live.requestsAvailable(), true);
  });
});
