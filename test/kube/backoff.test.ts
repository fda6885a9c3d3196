import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Backoff } from "../../src/kube/backoff.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { refusal } from "./fake-resource.ts";

const UNREACHABLE = new KubeError("KUBE_TRANSPORT", "connect ECONNREFUSED");
const REFUSED = refusal(503, "ServiceUnavailable");

describe("Backoff", () => {
  const delays = (backoff: Backoff, error: KubeError, times: number) =>
    Array.from({ length: times }, () => backoff.afterMs(error));

  it("doubles from 0.2 s, to 10 s for a server that refuses and to 2 s for one that isn't there", () => {
    const full = () => 1;
    assert.deepEqual(
      delays(new Backoff(full), REFUSED, 8),
      [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000],
    );
    assert.deepEqual(delays(new Backoff(full), UNREACHABLE, 5), [200, 400, 800, 1600, 2000]);
  });

  it("takes away up to half at random", () => {
    assert.equal(new Backoff(() => 0).afterMs(REFUSED), 100);
  });

  it("starts over after a success, and when the kind of failure changes", () => {
    const backoff = new Backoff(() => 1);
    delays(backoff, UNREACHABLE, 5);
    assert.equal(backoff.afterMs(REFUSED), 200);
    backoff.reset();
    assert.equal(backoff.afterMs(REFUSED), 200);
  });

  it("asks a busy server again within a second, whatever it says", () => {
    const busy = new KubeError("KUBE_STATUS", "", { status: REFUSED.status!, retryAfterSeconds: 600 });
    assert.deepEqual(delays(new Backoff(() => 1), busy, 5), [200, 400, 800, 1_000, 1_000]);
  });
});
