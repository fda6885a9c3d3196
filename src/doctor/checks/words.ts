import { webhookEntries } from "../../../certs/registration-diff.ts";
import { SERVICE_NAME } from "../../cli/install-names.ts";
import type { Place } from "../snapshot.ts";

/** Commands and numbers as several checks print them. */

export const leaseCommand = ({ leaseNamespace, leaseName }: Place): string =>
  `kubectl get leases -n ${leaseNamespace} ${leaseName} -o yaml`;

export const logs = ({ namespace }: Place): string =>
  `kubectl logs -n ${namespace} -l app.kubernetes.io/name=${SERVICE_NAME} -c manager --prefix --tail=-1`;

/** Sets right what `install` makes, with the flags that the registration was made with. */
export function install({ namespace, target, wanted }: Place): string {
  const policy = wanted.flatMap(webhookEntries)[0]?.failurePolicy;
  const flags = [
    `-n ${namespace}`,
    ...("url" in target ? [`--webhook-url=${target.url}`] : []),
    ...(policy === "Ignore" ? ["--failure-policy=Ignore"] : []),
  ];
  return `${SERVICE_NAME} install ${flags.join(" ")}`;
}

/** "0.5 s", "12.0 s". */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
