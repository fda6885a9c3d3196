import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readState } from "../../../certs/secret-state.ts";
import { SecretStore } from "../../../certs/secret-store.ts";
import { REJECT_REASONS } from "../../claims/reasons.ts";
import { CLAIMED_BY_ANNOTATION } from "../../hosts/annotations.ts";
import { annotationsOf } from "../../hosts/fields.ts";
import { profiles } from "../../hosts/profiles.ts";
import type { KubeApi, KubeObject } from "../../kube/api.ts";
import { KubeError } from "../../kube/errors.ts";
import { MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../kube/types.ts";
import type { CertificateFacts, Probe } from "../snapshot.ts";
import { orNull } from "./reading.ts";

const TYPES = [MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS];

/** Both webhook configurations of this name; null for one that does not exist. Rejects with a KubeError. */
export function readRegistrations(api: KubeApi, name: string): Promise<(KubeObject | null)[]> {
  return Promise.all(TYPES.map((type) => orNull(api.get(type, { name }))));
}

/** What the replicas serve: from the Secret of their own authority, or one that is mounted (`mounted`). */
export async function readCertificate(
  api: KubeApi,
  secret: { namespace: string; name: string; mounted: boolean },
): Promise<CertificateFacts> {
  const store = new SecretStore({ api, ...secret });
  const { data } = await store.read();
  const source = `Secret ${store.name}`;
  if (secret.mounted) return { source, certPem: data["tls.crt"] ?? "", problem: "" };
  const read = readState(data);
  return read.ok
    ? { source, certPem: read.state.serving.certPem, problem: "" }
    : { source, certPem: "", problem: read.problem };
}

/** tls.crt of a folder on this machine, for a service that runs outside the cluster. */
export async function readCertificateFile(folder: string): Promise<CertificateFacts> {
  const source = join(folder, "tls.crt");
  try {
    return { source, certPem: await readFile(source, "utf8"), problem: "" };
  } catch (error) {
    return { source, certPem: "", problem: error instanceof Error ? error.message : String(error) };
  }
}

const PROBE_NAME = "claim-coordinator-doctor";

/**
 * A claim of one host, in a dry run: nothing is stored, and the API server has to ask both webhooks. Where a free
 * host is there it is taken, since the steal of a held one may be refused by somebody else as well.
 */
export async function probe(api: KubeApi, hosts: readonly KubeObject[]): Promise<Probe> {
  const isFree = (object: KubeObject) => {
    const host = profiles.find(({ hostType }) => hostType.kind === object.kind)?.readHost(object);
    return host?.consumer === null && host.unavailable === "";
  };
  const host = hosts.find(isFree) ?? hosts[0];
  const profile = profiles.find(({ hostType }) => hostType.kind === host?.kind);
  if (host === undefined || profile === undefined) {
    return { result: "unknown", host: "", detail: "there is no host to claim" };
  }
  const { namespace = "", name } = host.metadata;
  const { group, version, kind } = profile.machineType;
  const consumerRef = { apiVersion: `${group}/${version}`, kind, namespace, name: PROBE_NAME };
  const patch = { type: "merge", body: { spec: { consumerRef } } } as const;
  const where = { host: `${namespace}/${name}` };
  try {
    const written = await api.patch(profile.hostType, { namespace, name }, patch, { dryRun: true });
    const stamped = annotationsOf(written)[CLAIMED_BY_ANNOTATION] === `${namespace}/${PROBE_NAME}`;
    return stamped
      ? { ...where, result: "reviewed", detail: "allowed" }
      : { ...where, result: "passed", detail: "" };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return { ...where, ...refused(error) };
  }
}

function refused(error: KubeError): Pick<Probe, "result" | "detail"> {
  const [cause] = error.status?.details?.causes ?? [];
  const reason = REJECT_REASONS.find((known) => known === cause?.reason);
  if (cause?.field === "spec.consumerRef" && reason !== undefined)
    return { result: "reviewed", detail: reason };
  const message = error.status?.message ?? error.message;
  return { result: /failed calling webhook/.test(message) ? "unreachable" : "unknown", detail: message };
}
