import assert from "node:assert/strict";
import { holdersOf, invertedPairs } from "../../src/workload/checks.ts";
import type { BeskarMachineOptions } from "../fixtures/objects.ts";
import type { Arena } from "./arena.ts";
import type { Pool } from "./pool.ts";

/** What the announcement promises, played with the controllers of any release. */

export const PRIORITY = "claims.beskar7.io/priority";
const PREFERRED = "beskar7.io/preferred-tags";
export const REQUIRED = "beskar7.io/required-tags";

export const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

/** 40 machines, half of them with preferred tags, wait for 20 hosts that become free at once. */
export async function fortyForTwenty(
  arena: Arena,
  pool: Pool,
  machine: BeskarMachineOptions = {},
): Promise<void> {
  const hosts = names("host", 20);
  await Promise.all(hosts.map((name) => pool.objects.host(name, { state: "Inspecting" })));
  await Promise.all(
    names("machine", 40).map((name, i) =>
      pool.objects.machine(name, {
        ...machine,
        ...(i % 2 === 0 && { annotations: { [PREFERRED]: "nvme" } }),
      }),
    ),
  );
  await pool.untilWaiting(40);
  const claims = await pool.claims();
  await pool.free(...hosts);
  await pool.untilBound(20);
  await pool.untilAssociated();
  await pool.check(claims);
  assert.equal(invertedPairs(claims, holdersOf(pool.hosts)), 0);
  assert.equal(arena.hostWrites(pool.namespace), 20);
}

/** 9 hosts that are free from the beginning, 6 machines. */
export async function moreHostsThanMachines(pool: Pool, machine: BeskarMachineOptions = {}): Promise<void> {
  await Promise.all(names("host", 9).map((name) => pool.objects.host(name)));
  await Promise.all(names("machine", 6).map((name) => pool.objects.machine(name, machine)));
  await pool.untilBound(6);
  await pool.untilAssociated();
  await pool.check(await pool.claims());
}

/**
 * The three highest machines want a GPU host in a rack, four others any host in a rack; first two plain hosts become
 * free, then two with a GPU. A host that nobody wants is free from the beginning: each machine tries it and is refused.
 */
export async function mixedRequirements(pool: Pool, machine: BeskarMachineOptions = {}): Promise<void> {
  const plain = names("host", 2);
  const gpu = names("gpu-host", 2);
  await pool.objects.host("outside");
  const state = "Inspecting";
  for (const name of plain) await pool.objects.host(name, { state, labels: { rack: "" } });
  for (const name of gpu) await pool.objects.host(name, { state, labels: { rack: "", gpu: "" } });
  // The lowest come first, and by name, too.
  const wanting = (tags: string, priority: number) => ({
    ...machine,
    annotations: { [REQUIRED]: tags, [PRIORITY]: String(priority) },
  });
  for (const [i, name] of names("any", 4).entries()) await pool.objects.machine(name, wanting("rack", i));
  for (const [i, name] of names("gpu", 3).entries()) {
    await pool.objects.machine(name, wanting("rack,gpu", 1_000 + i));
  }
  await pool.untilWaiting(7);
  const claims = await pool.claims();
  await pool.free(...plain);
  assert.deepEqual([...(await pool.untilBound(2)).keys()].sort(), ["any-2", "any-3"]);
  await pool.free(...gpu);
  await pool.untilBound(4);
  await pool.untilAssociated();
  await pool.check(claims);
  const holders = [...holdersOf(pool.hosts).values()].map(({ consumer }) => consumer?.name).sort();
  assert.deepEqual(holders, ["any-2", "any-3", "gpu-1", "gpu-2"]);
}
