/**
 * The Kubernetes API as this service uses it. Two implementations: `client.ts` (a real server, over HTTPS) and
 * the sandbox's in-process one (simulation). Every call rejects with a KubeError (errors.ts) and nothing else.
 */

/** A resource type, as discovery names it. */
export interface ResourceType {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural, as in the URL. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
}

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface KubeList {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: KubeObject[];
}

/** metav1.Status, the body of every API error. */
export interface KubeStatus {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, unknown>;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

export interface ObjectKey {
  /** Absent for cluster-scoped objects. */
  namespace?: string;
  name: string;
}

export interface CallOptions {
  /** Aborting rejects the call with a KubeError of code KUBE_ABORTED; the write may still land. */
  signal?: AbortSignal;
  /** The whole call, 1 to 60_000; default: the client's (10_000). */
  timeoutMs?: number;
}

export interface WriteOptions extends CallOptions {
  /** Decide and validate, store nothing (`dryRun=All`). */
  dryRun?: boolean;
  subresource?: "status" | "scale";
  fieldManager?: string;
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  /** Absent: a consistent read. "0": whatever the server's cache holds. */
  resourceVersion?: string;
  resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export type Patch =
  | { type: "merge"; body: unknown }
  | { type: "json"; body: { op: string; path: string; value?: unknown; from?: string }[] }
  /** Server-side apply; needs WriteOptions.fieldManager. */
  | { type: "apply"; body: KubeObject; force?: boolean };

export interface DeleteOptions extends CallOptions {
  dryRun?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

export interface WatchEvent {
  type: WatchEventType;
  /** For ERROR a KubeStatus; for BOOKMARK an object with only metadata.resourceVersion. */
  object: KubeObject | KubeStatus;
}

export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion: string;
  /** How long the server may keep the watch open; clients choose it at random to spread reconnects. */
  timeoutSeconds?: number;
  signal: AbortSignal;
  /** Called once, when the server has accepted the watch and before the first event. */
  onOpen?(): void;
  /** Called for each event, in order, on arrival. */
  onEvent(event: WatchEvent): void;
}

export interface KubeApi {
  /** A consistent read (served by a quorum, never from a cache). */
  get(
    type: ResourceType,
    key: ObjectKey,
    options?: CallOptions & { subresource?: string },
  ): Promise<KubeObject>;
  list(type: ResourceType, options?: ListOptions): Promise<KubeList>;
  create(type: ResourceType, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  /** POST to a subresource of an object: `serviceaccounts/NAME/token`, for example. */
  createSubresource(
    type: ResourceType,
    key: ObjectKey,
    subresource: string,
    body: KubeObject,
    options?: CallOptions,
  ): Promise<KubeObject>;
  /** PUT; with metadata.resourceVersion set it is a precondition. */
  update(type: ResourceType, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  patch(type: ResourceType, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<KubeObject>;
  delete(type: ResourceType, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  /** Resolves when the server ends the watch; rejects with a KubeError when it can't be opened or breaks. */
  watch(type: ResourceType, options: WatchOptions): Promise<void>;
}
