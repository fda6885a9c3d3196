import { X509Certificate } from "node:crypto";
import { DEFAULT_ROTATION, type RotationStep, takeStep } from "../../certs/rotation.ts";
import { readState, writeState } from "../../certs/secret-state.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { servingNames } from "../../certs/serving-names.ts";
import { systemClock } from "../../src/clock.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import { isConflict, isNotFound } from "../../src/kube/errors.ts";
import { SECRETS } from "../../src/kube/types.ts";
import { LEASE_NAMESPACE } from "../e2e/rig.ts";
import type { PlannedFault } from "./schedule.ts";

const KEY = { namespace: LEASE_NAMESPACE, name: "beskar7-claim-coordinator-certs" };

/** As another replica, a person who is careful, or one who is not, would do it; false: there is none to change. */
export async function changeCertificates(
  api: KubeApi,
  port: number,
  how: PlannedFault["how"],
): Promise<boolean> {
  const store = new SecretStore({ api, ...KEY });
  for (;;) {
    try {
      if (how === "lose") {
        await api.delete(SECRETS, KEY);
        return true;
      }
      const snapshot = await store.read();
      const read = readState(snapshot.data);
      if (!read.ok) return false;
      const names = servingNames({ url: `https://127.0.0.1:${port}` });
      const step: RotationStep = how === "renew" ? "issue-serving" : "prepare-authority";
      const policy = { ...DEFAULT_ROTATION, ...names };
      await store.write(snapshot, writeState(takeStep(read.state, step, systemClock.wallMs(), policy)));
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      // A replica was faster: what it wrote is changed then.
      if (!isConflict(error)) throw error;
    }
  }
}

/** When the stored serving certificate ends, in seconds since the epoch; null: none is stored. */
export async function storedExpirySeconds(api: KubeApi): Promise<number | null> {
  const { data } = await new SecretStore({ api, ...KEY }).read();
  const read = readState(data);
  if (!read.ok) return null;
  return new X509Certificate(read.state.serving.certPem).validToDate.getTime() / 1_000;
}
