import type { KubeObject } from "../../kube/api.ts";
import { isNotFound, KubeError } from "../../kube/errors.ts";
import type { Reading } from "../snapshot.ts";

/** The value, or the API's own words for why there is none. Our own faults still reject. */
export async function reading<T>(read: Promise<T>): Promise<Reading<T>> {
  try {
    return { ok: true, value: await read };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return { ok: false, problem: error.message };
  }
}

/** null for what does not exist. */
export async function orNull(read: Promise<KubeObject>): Promise<KubeObject | null> {
  try {
    return await read;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}
