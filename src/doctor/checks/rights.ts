import { type Finding, ok, problem } from "../finding.ts";
import type { Right, Snapshot } from "../snapshot.ts";
import { install } from "./words.ts";

/** Every right that the service's roles grant, asked of the API server. */
export function checkRights({ place, rights }: Snapshot): Finding[] {
  const whoAsks = `kubectl auth can-i create subjectaccessreviews.authorization.k8s.io`;
  if (!rights.ok) return [problem("RightsNotChecked", "warning", rights.problem, whoAsks)];
  const { user, isService, asked, missing } = rights.value;
  if (!isService) {
    const lacking = missing.length === 0 ? "has them all" : `lacks ${missing.length}`;
    const what = `The caller may not ask about the service account; of the service's ${asked} rights ${user} itself ${lacking}`;
    return [problem("RightsNotChecked", "warning", what, whoAsks)];
  }
  if (missing.length === 0) return [ok("rights", `${user} has all of ${asked} rights that it needs`)];
  const byObject = new Map<string, Right[]>();
  for (const right of missing) {
    const where = rightText({ ...right, verb: "" });
    byObject.set(where, [...(byObject.get(where) ?? []), right]);
  }
  return [...byObject].map(([object, rights]) => {
    const verbs = rights.map(({ verb }) => verb).join(", ");
    return problem("RightMissing", "error", `${user} may not ${verbs}${object}`, install(place));
  });
}

/** "patch claimrequests/status.claims.beskar7.io", as kubectl auth can-i takes it, and where. */
export function rightText({ verb, group, resource, subresource, name, namespace }: Right): string {
  const path = `${resource}${subresource === "" ? "" : `/${subresource}`}${group === "" ? "" : `.${group}`}`;
  const where = namespace === "" ? "" : ` in namespace ${namespace}`;
  return `${verb} ${path}${name === "" ? "" : ` ${name}`}${where}`;
}
