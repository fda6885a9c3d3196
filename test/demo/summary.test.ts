import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Host } from "../../src/claims/claim.ts";
import type { DemoCluster } from "../../src/demo/cluster.ts";
import { report, summaryLine } from "../../src/demo/summary.ts";
import type { DemoWorkload } from "../../src/demo/workload.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { Replica } from "../../src/replica.ts";
import { claimOf } from "../contention/pool.ts";
import { beskar7Machine, physicalHost, uidOf } from "../fixtures/objects.ts";
import { machine } from "../queue/objects.ts";
import { worldOf } from "../queue/world.ts";

function host(name: string, consumer = "", state = "Available"): Host {
  const consumerRef = { kind: "Beskar7Machine", namespace: "default", name: consumer, uid: uidOf(consumer) };
  return physicalHostProfile.readHost(physicalHost({ name, state, ...(consumer !== "" && { consumerRef }) }));
}

/** A demo that ended with these hosts, after each of them was free and in this order. */
function played(...hosts: Host[]): DemoWorkload {
  const events = hosts.flatMap((each, index) => [
    { type: "ADDED", host: { ...each, consumer: null }, atMs: 0 },
    { type: "MODIFIED", host: each, atMs: 100 * (index + 1) },
  ]);
  return { history: { hosts: () => hosts, events } } as unknown as DemoWorkload;
}

const older = claimOf(beskar7Machine({ name: "older", creationTimestamp: "2026-01-01T00:00:00Z" }));
const younger = claimOf(beskar7Machine({ name: "younger", creationTimestamp: "2026-01-01T00:05:00Z" }));

describe("what the demo says in the end", () => {
  it("is good when the machines that waited longest have the hosts", () => {
    assert.deepEqual(report(played(host("h1", "older")), [older, younger], undefined), {
      ok: true,
      lines: [
        "1 of 1 hosts have a machine; 2 machines waited for them",
        "from free to claimed: 100 ms at the median, 100 ms at the most",
        "0 pairs of machines in the wrong order",
        "no host changed hands without a release, no machine held two hosts",
      ],
    });
  });

  it("is not good when a machine was served before one that should have been", () => {
    const { ok, lines } = report(played(host("h1", "younger")), [older, younger], undefined);
    assert.equal(ok, false);
    assert.equal(lines[2], "1 pairs of machines in the wrong order");
  });

  it("is not good when a machine held two hosts, and names them", () => {
    const { ok, lines } = report(played(host("h1", "older"), host("h2", "older")), [older], undefined);
    assert.equal(ok, false);
    assert.match(lines[3]!, /^VIOLATIONS:\n {2}Beskar7Machine\/default\/older .* got h2 while it had h1/);
  });

  it("is not good when hosts are free although machines wait", () => {
    const replica = { world: worldOf(machine("m")) } as unknown as Replica;
    const { ok, lines } = report(played(host("h1", "older"), host("h2")), [older], replica);
    assert.equal(ok, false);
    assert.equal(lines[4], "1 hosts are free although machines wait");
  });

  it("is not good when nobody got a host", () => {
    const { ok, lines } = report(played(), [], undefined);
    assert.equal(ok, false);
    assert.equal(lines[1], "from free to claimed: 0 ms at the median, 0 ms at the most");
  });
});

describe("what the demo says each second", () => {
  const workload = played(host("h1", "older"), host("h2"), host("h3", "", "Error"));
  const replica = (identity: string, leading: boolean) => ({
    identity,
    replica: {
      isLeading: () => leading,
      world: worldOf(machine("a"), machine("b"), machine("c", { waiting: false })),
    },
  });
  const line = (...managers: object[]) => summaryLine({ managers } as unknown as DemoCluster, workload, 12.4);

  it("is who leads, how many wait, and what the hosts are", () => {
    assert.equal(
      line(replica("coordinator-0_a", false), replica("coordinator-1_b", true)),
      " 12 s  leader coordinator-1  waiting 2  hosts: 1 held, 1 free, 1 not available",
    );
  });

  it("is also that nobody leads", () => {
    assert.match(line(replica("coordinator-0_a", false)), /leader none, optimistic {2}waiting 2/);
  });
});
