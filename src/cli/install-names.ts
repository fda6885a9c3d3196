/** Of the Service, the service account, the flow schema and the service's own cluster role. */
export const SERVICE_NAME = "beskar7-claim-coordinator";

/** On everything that `install` makes; `uninstall` removes nothing that lacks the first one. */
export const LABELS: Readonly<Record<string, string>> = {
  "app.kubernetes.io/name": SERVICE_NAME,
  "app.kubernetes.io/part-of": "beskar7",
};

/** What can be named otherwise. */
export interface Names {
  /** Where the service runs. */
  readonly namespace: string;
  readonly leaseNamespace: string;
  readonly certSecret: string;
  /** Of both webhook configurations. */
  readonly registration: string;
}
