/** Annotation and label keys of hosts and machines; those that state requirements are in claims/requirements.ts. */
import { PRIORITY_ANNOTATION } from "../claims/requirements.ts";

/** On machines and ClaimRequests an addition to the claim's priority; on claimed hosts a stamp, the priority it had. */
export { PRIORITY_ANNOTATION };

/** On hosts, as Beskar7 v0.3.4 writes them: RFC 3339 time of the claim, and namespace/name of the consumer. */
export const CLAIMED_AT_ANNOTATION = "beskar7.io/claimed-at";
export const CLAIMED_BY_ANNOTATION = "beskar7.io/claimed-by";

/** On claimed hosts: "leader" or "optimistic". */
export const MODE_ANNOTATION = "claims.beskar7.io/mode";
/** On claimed hosts: formatTerm of the term under which the claim was admitted; absent in optimistic mode. */
export const TERM_ANNOTATION = "claims.beskar7.io/term";
/** On claimed hosts: the user whose write it was. */
export const REQUESTER_ANNOTATION = "claims.beskar7.io/requester";
/** On claimed hosts: compact JWS over who got which host, when and why. */
export const RECEIPT_ANNOTATION = "claims.beskar7.io/receipt";

/**
 * In the processor's own claims: JSON {"term","hosts","requests","nonce"}, its term and the resourceVersions of
 * hosts and requests as of which it chose. Counts only in the very write that sets it.
 */
export const INTENT_ANNOTATION = "claims.beskar7.io/intent";
/** On hosts: bumped to spend a resourceVersion, so that no late write that needs it can land. */
export const FENCE_ANNOTATION = "claims.beskar7.io/fence";

/** What a claim leaves on a host beyond its controller's own fields; a release by this service takes it away. */
export const STAMP_ANNOTATIONS: readonly string[] = [
  CLAIMED_AT_ANNOTATION,
  CLAIMED_BY_ANNOTATION,
  PRIORITY_ANNOTATION,
  MODE_ANNOTATION,
  TERM_ANNOTATION,
  REQUESTER_ANNOTATION,
  RECEIPT_ANNOTATION,
  INTENT_ANNOTATION,
];

/** Cluster API's: stops the reconciliation of any object that has it, whatever its value. */
export const CAPI_PAUSED_ANNOTATION = "cluster.x-k8s.io/paused";
/** Cluster API's: the cluster that an object belongs to. */
export const CLUSTER_NAME_LABEL = "cluster.x-k8s.io/cluster-name";
