import { SERVICE_NAME } from "../../cli/install-names.ts";
import { FLAG_FIELDS, type FlagValues, flagSpec } from "../../config/flags.ts";
import type { Config } from "../../config.ts";
import { count, type Finding, ok, problem, several } from "../finding.ts";
import type { Place, ReplicaFacts, Snapshot } from "../snapshot.ts";

/** The replicas, where they could be read and there are any. */
function running({ replicas }: Snapshot): readonly ReplicaFacts[] {
  return replicas.ok ? replicas.value : [];
}

const pods = (place: Place) =>
  `kubectl get pods -n ${place.namespace} -l app.kubernetes.io/name=${SERVICE_NAME}`;
const edit = (place: Place) => `kubectl edit deployment -n ${place.namespace} ${SERVICE_NAME}`;

export function checkReplicas(snapshot: Snapshot): Finding[] {
  const { place, replicas } = snapshot;
  if (!replicas.ok)
    return [problem("NotReadable", "warning", `The replicas: ${replicas.problem}`, pods(place))];
  const all = replicas.value;
  if (all.length === 0) {
    if ("url" in place.target) {
      return [ok("replicas", `No pods; the service is registered at ${place.target.url}`)];
    }
    const what = `No pod in ${place.namespace} belongs to Service ${place.serviceName}`;
    return [
      problem(
        "NoReplicas",
        "error",
        what,
        `kubectl describe deployment -n ${place.namespace} ${SERVICE_NAME}`,
      ),
    ];
  }
  const unready = all.filter(({ ready }) => !ready);
  if (unready.length === 0) return [ok("replicas", `${count(all.length, "replica")}, all ready`)];
  const severity = unready.length === all.length ? "error" : "warning";
  return unready.map(({ pod, notReadyWhy }) =>
    problem(
      "ReplicaNotReady",
      severity,
      `${pod} is not ready${notReadyWhy === "" ? "" : `: ${notReadyWhy}`}`,
      `kubectl describe pod -n ${place.namespace} ${pod}`,
    ),
  );
}

/** The decision depends on these alone: replicas that differ here lead side by side, or recognise different holders. */
const DECISIVE: readonly (keyof FlagValues)[] = ["leaseName", "leaseNamespace", "holderServiceAccounts"];

export function checkFlags(snapshot: Snapshot): Finding[] {
  const { place } = snapshot;
  const all = running(snapshot);
  const findings = all.flatMap(({ pod, flagProblems }) =>
    flagProblems.map(({ path, got, want }) =>
      problem(
        "FlagsRefused",
        "error",
        `${pod}: ${path} is ${JSON.stringify(got)}, want ${want}`,
        edit(place),
      ),
    ),
  );
  const understood = all.flatMap(({ pod, config }) => (config === null ? [] : [{ pod, config }]));
  const different = FLAG_FIELDS.filter(
    (field) => new Set(understood.map((one) => textOfFlag(one.config, field))).size > 1,
  );
  findings.push(...different.map((field) => differs(place, field, understood)));
  if (understood.length > 0 && !understood.some(({ config }) => config.leaderElection)) {
    const flag = flagSpec("leaderElection").flag;
    const what = `--${flag} is false for all of ${count(understood.length, "replica")}`;
    findings.push(problem("NobodyStands", "warning", what, edit(place)));
  }
  if (findings.length === 0 && understood.length > 0) {
    findings.push(ok("flags", `${count(understood.length, "replica")} with the same flags`));
  }
  return findings;
}

const textOfFlag = (config: Config, field: keyof FlagValues): string => JSON.stringify(config[field]);

function differs(
  place: Place,
  field: keyof FlagValues,
  replicas: readonly { pod: string; config: Config }[],
): Finding {
  const byValue = new Map<string, string[]>();
  for (const { pod, config } of replicas) {
    const value = textOfFlag(config, field);
    byValue.set(value, [...(byValue.get(value) ?? []), pod]);
  }
  const values = [...byValue].map(([value, names]) => `${value} in ${several(names, 3)}`).join("; ");
  const severity = DECISIVE.includes(field) ? "error" : "warning";
  const what = `--${flagSpec(field).flag} differs: ${values}`;
  const mend = `kubectl rollout restart deployment -n ${place.namespace} ${SERVICE_NAME}`;
  return problem("FlagsDiffer", severity, what, mend);
}

/** Whom the API server takes each replica for: the pod of its token, else the name that it gives itself. */
export function checkIdentities(snapshot: Snapshot): Finding[] {
  const { place } = snapshot;
  const all = running(snapshot);
  if (all.length === 0) return [];
  const unbound = all.filter(({ tokenBound }) => !tokenBound);
  const findings = unbound.map(({ pod }) =>
    problem("TokenNotBound", "error", `The token of ${pod} is bound to no pod`, edit(place)),
  );
  for (const [name, sharing] of byName(all)) {
    if (sharing.length < 2) continue;
    // A replica with a token of its own takes its name from there, and says in its log that POD_NAME is wrong.
    const severity = sharing.every(({ tokenBound }) => tokenBound) ? "warning" : "error";
    const pods = several(sharing.map(({ pod }) => pod));
    const why = sharing.some(({ nameWrittenOut }) => nameWrittenOut)
      ? "POD_NAME is written out instead of taken from metadata.name"
      : "they share their machine's name";
    findings.push(
      problem("IdentityShared", severity, `${pods} call themselves ${name}: ${why}`, edit(place)),
    );
  }
  if (findings.length > 0) return findings;
  return [ok("identities", `${count(all.length, "replica")}, each with an identity of its own`)];
}

function byName(replicas: readonly ReplicaFacts[]): Map<string, ReplicaFacts[]> {
  const names = new Map<string, ReplicaFacts[]>();
  for (const replica of replicas)
    names.set(replica.ownName, [...(names.get(replica.ownName) ?? []), replica]);
  return names;
}
