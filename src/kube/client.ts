import { type Clock, systemClock } from "../clock.ts";
import type { KubeApi, KubeList, KubeObject, ObjectKey, Patch, ResourceType, WatchEvent } from "./api.ts";
import type { KubeConfig } from "./config.ts";
import { Credentials } from "./credentials.ts";
import { KubeError } from "./errors.ts";
import { type HttpCall, Transport } from "./transport.ts";

export interface KubeApiOptions {
  config: KubeConfig;
  /** Of this program, for the User-Agent header. */
  version: string;
  /** Of calls that don't say otherwise, and of opening a watch; 1 to 60_000, default 10_000. */
  timeoutMs?: number;
  /** Default: the system's. */
  clock?: Clock;
}

export interface KubeClient extends KubeApi {
  /** The API server's URL. */
  readonly server: string;
  /** Closes every connection, those of running watches too. */
  close(): void;
}

const PATCH_CONTENT_TYPES: Record<Patch["type"], string> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  // The server parses the body of an apply patch as YAML, of which JSON is a part.
  apply: "application/apply-patch+yaml",
};

/** The API of a real server, over HTTPS with kept connections. */
export function createKubeApi(options: KubeApiOptions): KubeClient {
  const clock = options.clock ?? systemClock;
  const defaultTimeoutMs = options.timeoutMs ?? 10_000;
  const server = options.config.getCurrentCluster()?.server ?? "";
  const credentials = new Credentials(options.config, clock);
  const transport = new Transport({
    server,
    credentials,
    clock,
    userAgent: `beskar7-claim-coordinator/${options.version}`,
  });

  function call(
    method: HttpCall["method"],
    path: string,
    common: { signal?: AbortSignal; timeoutMs?: number } = {},
    content: Pick<HttpCall, "body" | "contentType"> = {},
  ): Promise<unknown> {
    const timeoutMs = common.timeoutMs ?? defaultTimeoutMs;
    return transport.json({ method, path, timeoutMs, signal: common.signal, ...content });
  }

  return {
    server,
    close: () => credentials.close(),

    async get(type, key, common) {
      return (await call("GET", objectPath(type, key, common?.subresource), common)) as KubeObject;
    },

    async list(type, common = {}) {
      const query = queryOf({
        labelSelector: common.labelSelector,
        fieldSelector: common.fieldSelector,
        limit: common.limit,
        continue: common.continue,
        resourceVersion: common.resourceVersion,
        resourceVersionMatch: common.resourceVersionMatch,
      });
      const list = (await call("GET", collectionPath(type, common.namespace) + query, common)) as KubeList;
      // Go encodes an empty list as null.
      list.items ??= [];
      return list;
    },

    async create(type, object, common) {
      const path = collectionPath(type, object.metadata.namespace) + writeQuery(common);
      return (await call("POST", path, common, { body: object })) as KubeObject;
    },

    async createSubresource(type, key, subresource, body, common) {
      return (await call("POST", objectPath(type, key, subresource), common, { body })) as KubeObject;
    },

    async update(type, object, common) {
      const path = objectPath(type, object.metadata, common?.subresource) + writeQuery(common);
      return (await call("PUT", path, common, { body: object })) as KubeObject;
    },

    async patch(type, key, patch, common) {
      const force = patch.type === "apply" ? patch.force : undefined;
      const path = objectPath(type, key, common?.subresource) + writeQuery(common, { force });
      const contentType = PATCH_CONTENT_TYPES[patch.type];
      return (await call("PATCH", path, common, { body: patch.body, contentType })) as KubeObject;
    },

    async delete(type, key, common = {}) {
      const { preconditions, propagationPolicy } = common;
      const body = { kind: "DeleteOptions", apiVersion: "v1", preconditions, propagationPolicy };
      await call("DELETE", objectPath(type, key) + writeQuery(common), common, { body });
    },

    watch(type, watch) {
      const query = queryOf({
        watch: true,
        allowWatchBookmarks: true,
        labelSelector: watch.labelSelector,
        fieldSelector: watch.fieldSelector,
        resourceVersion: watch.resourceVersion,
        timeoutSeconds: watch.timeoutSeconds,
      });
      const path = collectionPath(type, watch.namespace) + query;
      return transport.lines(
        { method: "GET", path, timeoutMs: defaultTimeoutMs, signal: watch.signal },
        (line) => watch.onEvent(parseEvent(line)),
        () => watch.onOpen?.(),
      );
    },
  };
}

function parseEvent(line: string): WatchEvent {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new KubeError("KUBE_TRANSPORT", "a watch delivered a line that is not JSON", { cause });
  }
}

function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  if (!type.namespaced || namespace === undefined) return `${root}/${type.plural}`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${type.plural}`;
}

function objectPath(type: ResourceType, key: ObjectKey, subresource?: string): string {
  const path = `${collectionPath(type, key.namespace)}/${encodeURIComponent(key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function writeQuery(options: { dryRun?: boolean; fieldManager?: string } = {}, more: Query = {}): string {
  return queryOf({ dryRun: options.dryRun ? "All" : undefined, fieldManager: options.fieldManager, ...more });
}

type Query = Record<string, string | number | boolean | undefined>;

function queryOf(parameters: Query): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? "" : `?${query}`;
}
