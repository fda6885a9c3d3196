import type { Clock } from "../clock.ts";
import type {
  CallOptions,
  KubeApi,
  KubeList,
  KubeObject,
  KubeStatus,
  ResourceType,
  WatchEvent,
} from "../kube/api.ts";
import { KubeError } from "../kube/errors.ts";
import { handle } from "./apiserver.ts";
import type { UserInfo } from "./auth/user.ts";
import type { Core } from "./core.ts";
import type { ApiResponse } from "./request.ts";
import { APPLY_PATCH } from "./write-options.ts";

/** The three moments at which a call can be delayed. */
export type Leg = "request" | "response" | "event";

export interface ApiClientOptions {
  /**
   * Milliseconds that something takes to arrive, on the core's clock; default 0, in a later turn of the
   * microtask queue. Events of one watch never overtake each other.
   */
  readonly delayMs?: (leg: Leg) => number;
  /** Default field manager and User-Agent. */
  readonly userAgent?: string;
}

/** Source: CallOptions.timeoutMs. */
const CALL_TIMEOUT_MS = 10_000;

const PATCH_TYPES = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  apply: APPLY_PATCH,
};

/** The API in process: the whole pipeline without sockets, JSON copied at the border. */
export function createSandboxApi(core: Core, user: UserInfo, options: ApiClientOptions = {}): KubeApi {
  const client = new InProcessClient(core, user, options);
  return {
    get: async (type, key, { subresource, ...call } = {}) =>
      client.call("GET", urlOf(type, key.namespace, key.name, subresource), call),
    async list(type, { namespace, signal, timeoutMs, ...query } = {}) {
      const call = { ...(signal && { signal }), ...(timeoutMs && { timeoutMs }) };
      const list: unknown = await client.call("GET", urlOf(type, namespace) + queryOf(query), call);
      return list as KubeList;
    },
    create: async (type, object, { dryRun, fieldManager, ...call } = {}) =>
      client.call(
        "POST",
        urlOf(type, object.metadata.namespace) + writeQuery(dryRun, fieldManager),
        call,
        object,
      ),
    createSubresource: async (type, key, subresource, body, call = {}) =>
      client.call("POST", urlOf(type, key.namespace, key.name, subresource), call, body),
    update: async (type, object, { dryRun, fieldManager, subresource, ...call } = {}) => {
      const { namespace, name } = object.metadata;
      const url = urlOf(type, namespace, name, subresource) + writeQuery(dryRun, fieldManager);
      return client.call("PUT", url, call, object);
    },
    patch: async (type, key, patch, { dryRun, fieldManager, subresource, ...call } = {}) => {
      const force = patch.type === "apply" && patch.force ? true : undefined;
      const url = urlOf(type, key.namespace, key.name, subresource) + writeQuery(dryRun, fieldManager, force);
      return client.call("PATCH", url, call, patch.body, PATCH_TYPES[patch.type]);
    },
    async delete(type, key, { dryRun, preconditions, propagationPolicy, ...call } = {}) {
      const body = {
        ...(preconditions === undefined ? {} : { preconditions }),
        ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
        ...(dryRun ? { dryRun: ["All"] } : {}),
      };
      await client.call("DELETE", urlOf(type, key.namespace, key.name), call, body);
    },
    async watch(type, { namespace, signal, onEvent, onOpen, ...query }) {
      const url = urlOf(type, namespace) + queryOf({ ...query, watch: true, allowWatchBookmarks: true });
      await client.watch(url, signal, onEvent, onOpen);
    },
  } satisfies KubeApi;
}

class InProcessClient {
  readonly #core: Core;
  readonly #user: UserInfo;
  readonly #delayMs: (leg: Leg) => number;
  readonly #userAgent: string;

  constructor(core: Core, user: UserInfo, { delayMs = () => 0, userAgent = "sandbox" }: ApiClientOptions) {
    this.#core = core;
    this.#user = user;
    this.#delayMs = delayMs;
    this.#userAgent = userAgent;
  }

  async call(
    method: string,
    target: string,
    options: CallOptions,
    body?: unknown,
    contentType?: string,
  ): Promise<KubeObject> {
    const { signal, timeoutMs = CALL_TIMEOUT_MS } = options;
    const answer = this.#exchange(method, target, body, contentType);
    const response = await bounded(answer, this.#core.clock, timeoutMs, signal);
    return copy(checked(response).body) as KubeObject;
  }

  async watch(
    target: string,
    signal: AbortSignal,
    onEvent: (event: WatchEvent) => void,
    onOpen: () => void = () => {},
  ): Promise<void> {
    const response = checked(
      await bounded(this.#exchange("GET", target), this.#core.clock, CALL_TIMEOUT_MS, signal),
    );
    if (signal.aborted) throw aborted(signal);
    onOpen();
    await new Promise<void>((resolve, reject) => {
      // A queue, so that a slow event holds up those behind it and the end comes last.
      let queue: Promise<void> = Promise.resolve();
      let open = true;
      const later = (deliver: () => void) => {
        const arrival = this.#pause("event");
        queue = queue.then(() => arrival).then(() => (open ? deliver() : undefined));
        queue.catch(reject);
      };
      const close = () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      // Started at the very end: a watch may be over before `start` returns.
      let running: { stop(): void } | undefined;
      const onAbort = () => {
        open = false;
        running?.stop();
        reject(aborted(signal));
      };
      signal.addEventListener("abort", onAbort, { once: true });
      running = response.watch?.start(
        (event) => {
          const copied = copy(event);
          later(() => onEvent(copied));
        },
        () => later(close),
      );
    });
  }

  async #exchange(
    method: string,
    target: string,
    body?: unknown,
    contentType?: string,
  ): Promise<ApiResponse> {
    const text = body === undefined ? "" : JSON.stringify(body);
    await this.#pause("request");
    const response = await handle(this.#core, {
      method,
      target,
      credentials: { user: this.#user },
      body: text,
      userAgent: this.#userAgent,
      ...(contentType === undefined ? {} : { contentType }),
    });
    await this.#pause("response");
    return response;
  }

  #pause(leg: Leg): Promise<void> {
    const ms = this.#delayMs(leg);
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve) => this.#core.clock.schedule(ms, resolve));
  }
}

function copy<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}

/** The response, unless it is an error. @throws KubeError */
function checked(response: ApiResponse): ApiResponse {
  if (response.code < 400) return response;
  const { body, code } = response;
  if (typeof body !== "object") {
    const status: KubeStatus = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      code,
      message: String(body).trim(),
      ...(code === 404 ? { reason: "NotFound" } : {}),
    };
    throw new KubeError("KUBE_STATUS", String(status.message), { status });
  }
  const status = copy(body) as KubeStatus;
  throw new KubeError("KUBE_STATUS", status.message ?? status.reason ?? `HTTP ${code}`, { status });
}

function aborted(signal: AbortSignal): KubeError {
  return new KubeError("KUBE_ABORTED", "the call was aborted", { cause: signal.reason });
}

/** The answer, if it comes in time and before an abort. The write may still land: only the caller stops waiting. */
function bounded<T>(answer: Promise<T>, clock: Clock, timeoutMs: number, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));
    const onAbort = () => reject(aborted(signal as AbortSignal));
    signal?.addEventListener("abort", onAbort, { once: true });
    const timer = clock.schedule(timeoutMs, () =>
      reject(new KubeError("KUBE_TIMEOUT", `no answer within ${timeoutMs} ms`)),
    );
    answer.then(resolve, reject).finally(() => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    });
  });
}

function urlOf(type: ResourceType, namespace?: string, name?: string, subresource?: string): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const within =
    type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${root}${within}/${type.plural}${object}${subresource === undefined ? "" : `/${subresource}`}`;
}

function queryOf(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query}`;
}

function writeQuery(dryRun?: boolean, fieldManager?: string, force?: boolean): string {
  return queryOf({ dryRun: dryRun ? "All" : undefined, fieldManager, force });
}
