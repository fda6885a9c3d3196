import { type TestContext, test } from "node:test";
import { findBinaries } from "./binaries.ts";

const WHY =
  "no control plane: neither Go nor KUBEBUILDER_ASSETS nor a cached build is there. " +
  "Install Go, or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl.";

/**
 * Whether a control plane can be started. Where it can't, the test or suite is skipped with a line on standard error
 * that can't be overlooked, or failed with REQUIRE_CONTROLPLANE=1, as continuous integration sets it.
 *
 *     test("...", async (t) => { if (!(await requireControlPlane(t))) return; ... });
 */
export async function requireControlPlane(t?: Pick<TestContext, "name" | "skip">): Promise<boolean> {
  if (await findBinaries()) return true;
  if (process.env.REQUIRE_CONTROLPLANE === "1") throw new Error(WHY);
  process.stderr.write(`\n!!! SKIPPED ${t?.name ?? "tests"}: ${WHY}\n\n`);
  t?.skip(WHY);
  return false;
}

/**
 * For `describe(name, { skip: await skipWithoutControlPlane(name) }, ...)`: false, or the reason to skip, counted as a
 * test that was skipped, since a skipped suite counts as nothing.
 */
export async function skipWithoutControlPlane(name: string): Promise<false | string> {
  if (await requireControlPlane({ name, skip() {} })) return false;
  test(`${name}: not tested`, { skip: WHY });
  return WHY;
}
