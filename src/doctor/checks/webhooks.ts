import { registrationDifferences } from "../../../certs/registration-diff.ts";
import { isInternal, REJECT_REASONS } from "../../claims/reasons.ts";
import { type Finding, ok, problem } from "../finding.ts";
import type { Snapshot } from "../snapshot.ts";
import { install, logs } from "./words.ts";

/** Registered, and as registered. */
export function checkRegistrations({ place, registrations }: Snapshot): Finding[] {
  if (!registrations.ok) {
    const mend = "kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations";
    return [problem("NotReadable", "warning", `The webhook configurations: ${registrations.problem}`, mend)];
  }
  return registrations.value.flatMap(({ wanted, actual }) => {
    const name = `${wanted.kind} ${wanted.metadata.name}`;
    if (actual === null)
      return [problem("RegistrationMissing", "error", `There is no ${name}`, install(place))];
    const differences = registrationDifferences(wanted, actual);
    if (differences.length === 0) return [ok("registrations", `${name} is as installed`)];
    return differences.map((line) =>
      problem("RegistrationEdited", severityOf(line), `${name}: ${line}`, install(place)),
    );
  });
}

/** How long to wait and what to do in silence are a person's to choose; what is sent, and whereto, is not. */
function severityOf(difference: string): "warning" | "error" {
  const isChoice =
    /\.(timeoutSeconds|failurePolicy|namespaceSelector|objectSelector|reinvocationPolicy) is |: not ours$/;
  return isChoice.test(difference) ? "warning" : "error";
}

/** A claim in a dry run has to be reviewed. */
export function checkReachable({ place, probe }: Snapshot): Finding[] {
  const { result, host, detail } = probe;
  const trial = host === "" ? "A connection from this machine" : `A trial claim of host ${host}`;
  switch (result) {
    case "reviewed":
      if (couldNotJudge(detail)) {
        const what = `${trial} reached the service, which could not judge it: ${detail}`;
        return [problem("WebhookCannotJudge", "warning", what, logs(place))];
      }
      return [ok("reachable", `${trial} was reviewed (${detail})`)];
    case "unreachable":
      // Only the API server has to reach the service; who runs this command need not.
      return [
        problem("WebhookUnreachable", host === "" ? "warning" : "error", `${trial}: ${detail}`, reach(place)),
      ];
    case "passed":
      return [problem("WebhookUnreachable", "error", `${trial} passed unreviewed`, reach(place))];
    case "unknown":
      return host === ""
        ? [ok("reachable", `Not tried: ${detail}`)]
        : [problem("NotReadable", "warning", `${trial}: ${detail}`, reach(place))];
  }
}

/** Whether a review that ended with this word was no verdict. */
function couldNotJudge(detail: string): boolean {
  const reason = REJECT_REASONS.find((known) => known === detail);
  return reason !== undefined && isInternal(reason);
}

function reach(place: Snapshot["place"]): string {
  return "url" in place.target
    ? `curl -k ${place.target.url}/validate`
    : `kubectl get endpointslices -n ${place.namespace} -l kubernetes.io/service-name=${place.serviceName}`;
}
