import type { CallOptions, KubeApi, KubeObject, ResourceType, WatchOptions } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import type { Link } from "./link.ts";
import type { Scheduler } from "./scheduler.ts";

/** The API server as its clients reach it. */
export interface Server {
  /** Answers nobody, and no watch is open. */
  readonly down: boolean;
}

/** Told of everything that crosses the process's border. */
export interface Tap {
  /** Something leaves; for writes with what they carry. */
  sent(call: SentCall): void;
  /** Objects reach it, by answer or by watch. */
  received(type: ResourceType, objects: readonly KubeObject[], call: SentCall | null): void;
  /** A watch says that an object is gone. */
  gone(type: ResourceType, object: KubeObject): void;
  /** A write was stored after its sender had given it up. */
  landedLate(call: SentCall): void;
}

export interface SentCall {
  readonly verb: "get" | "list" | "create" | "update" | "patch" | "delete";
  readonly type: ResourceType;
  /** "" where it names no object. */
  readonly name: string;
  /** The body of a write; null for others. */
  readonly body: unknown;
  readonly dryRun: boolean;
  /** On the sender's monotonic clock. */
  readonly atMs: number;
}

/** Source: CallOptions.timeoutMs. */
const PATIENCE_MS = 10_000;
/** The API server gives a request up after this; source: its --request-timeout. */
const SERVER_TIMEOUT_MS = 60_000;

interface OpenWatch {
  /** silent: the client learns nothing of it. */
  break(silent: boolean): void;
}

/** The API as one process has it: everything that the wire and the other end can do to a call happens here. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #server: Server;
  readonly #link: Link;
  readonly #remote: KubeApi;
  readonly #tap: Tap;
  readonly #watches = new Set<OpenWatch>();

  constructor(options: { scheduler: Scheduler; server: Server; link: Link; remote: KubeApi; tap: Tap }) {
    this.#scheduler = options.scheduler;
    this.#server = options.server;
    this.#link = options.link;
    this.#remote = options.remote;
    this.#tap = options.tap;
    this.#link.process.onCrash(() => this.breakWatches(true));
  }

  breakWatches(silent: boolean): void {
    for (const watch of [...this.#watches]) watch.break(silent);
  }

  readonly api: KubeApi = {
    get: (type, key, { signal, timeoutMs, ...options } = {}) =>
      this.#one("get", type, key.name, null, { signal, timeoutMs }, (call) =>
        this.#remote.get(type, key, { ...options, ...call }),
      ),
    list: (type, { signal, timeoutMs, ...options } = {}) =>
      this.#call("list", type, "", null, { signal, timeoutMs }, (call) =>
        this.#remote.list(type, { ...options, ...call }),
      ).then(({ call, answer }) => {
        this.#tap.received(type, answer.items, call);
        return answer;
      }),
    create: (type, object, { signal, timeoutMs, ...options } = {}) =>
      this.#one("create", type, object.metadata.name, object, { signal, timeoutMs, ...options }, (call) =>
        this.#remote.create(type, object, { ...options, ...call }),
      ),
    createSubresource: (type, key, subresource, body, { signal, timeoutMs } = {}) =>
      this.#one("create", type, key.name, body, { signal, timeoutMs }, (call) =>
        this.#remote.createSubresource(type, key, subresource, body, call),
      ),
    update: (type, object, { signal, timeoutMs, ...options } = {}) =>
      this.#one("update", type, object.metadata.name, object, { signal, timeoutMs, ...options }, (call) =>
        this.#remote.update(type, object, { ...options, ...call }),
      ),
    patch: (type, key, patch, { signal, timeoutMs, ...options } = {}) =>
      this.#one("patch", type, key.name, patch.body, { signal, timeoutMs, ...options }, (call) =>
        this.#remote.patch(type, key, patch, { ...options, ...call }),
      ),
    delete: async (type, key, { signal, timeoutMs, ...options } = {}) => {
      await this.#call("delete", type, key.name, {}, { signal, timeoutMs, ...options }, (call) =>
        this.#remote.delete(type, key, { ...options, ...call }),
      );
    },
    watch: (type, options) => this.#watch(type, options),
  };

  async #one(
    verb: SentCall["verb"],
    type: ResourceType,
    name: string,
    body: unknown,
    options: Bounds & { dryRun?: boolean },
    send: (call: CallOptions) => Promise<KubeObject>,
  ): Promise<KubeObject> {
    const { call, answer } = await this.#call(verb, type, name, body, options, send);
    this.#tap.received(type, [answer], call);
    return answer;
  }

  #call<T>(
    verb: SentCall["verb"],
    type: ResourceType,
    name: string,
    body: unknown,
    { signal, timeoutMs = PATIENCE_MS, dryRun = false }: Bounds & { dryRun?: boolean },
    send: (call: CallOptions) => Promise<T>,
  ): Promise<{ call: SentCall; answer: T }> {
    const { process } = this.#link;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal));
      if (!process.mayCall()) return;
      const call: SentCall = { verb, type, name, body, dryRun, atMs: process.monotonicMs() };
      this.#tap.sent(call);
      const onAbort = () => settle(() => reject(aborted(signal)));
      const timer = process.schedule(timeoutMs, () =>
        settle(() => reject(new KubeError("KUBE_TIMEOUT", `no answer within ${timeoutMs} ms`))),
      );
      let givenUp = false;
      const settle = (tell: () => void) => {
        givenUp = true;
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        tell();
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const answerWith = (tell: () => void) => {
        const fate = this.#link.response();
        if (fate.arrives) this.#scheduler.after(fate.afterMs, () => process.deliver(() => settle(tell)));
        else if (fate.noticed) this.#reset((error) => settle(() => reject(error)));
      };
      const arrive = () => {
        if (this.#server.down) return this.#reset((error) => settle(() => reject(error)));
        send({ timeoutMs: SERVER_TIMEOUT_MS }).then(
          (answer) => {
            if (givenUp && body !== null && !dryRun) this.#tap.landedLate(call);
            answerWith(() => resolve({ call, answer }));
          },
          (error) => answerWith(() => reject(error)),
        );
      };
      const fate = this.#link.request(body !== null && !dryRun);
      if (!fate.arrives) {
        if (fate.noticed) this.#reset((error) => settle(() => reject(error)));
        return;
      }
      this.#scheduler.after(fate.afterMs, arrive);
      if (fate.againAfterMs === null) return;
      this.#scheduler.after(fate.afterMs + fate.againAfterMs, () => {
        if (!this.#server.down) send({ timeoutMs: SERVER_TIMEOUT_MS }).catch(() => {});
      });
    });
  }

  #reset(tell: (error: KubeError) => void): void {
    this.#scheduler.after(1, () =>
      this.#link.process.deliver(() => tell(new KubeError("KUBE_TRANSPORT", "the connection was reset"))),
    );
  }

  #watch(type: ResourceType, { signal, onOpen, onEvent, ...options }: WatchOptions): Promise<void> {
    const { process } = this.#link;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(aborted(signal));
      if (!process.mayCall()) return;
      const remote = new AbortController();
      let open = true;
      let lastMs = 0;
      const deliver = (tell: () => void) => {
        lastMs = Math.max(lastMs, this.#scheduler.nowMs + this.#link.eventMs(type.plural));
        this.#scheduler.after(lastMs - this.#scheduler.nowMs, () => process.deliver(() => open && tell()));
        // What is sent at the same moment must not overtake.
        lastMs += 0.001;
      };
      const close = () => {
        open = false;
        this.#watches.delete(watch);
        signal.removeEventListener("abort", onAbort);
        remote.abort();
      };
      const onAbort = () => {
        close();
        reject(aborted(signal));
      };
      const fail = (error: unknown) => {
        if (!open) return;
        close();
        reject(error);
      };
      const watch: OpenWatch = {
        break: (silent) => {
          this.#watches.delete(watch);
          remote.abort();
          if (!silent) this.#reset(fail);
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#watches.add(watch);
      const fate = this.#link.request(false);
      if (!fate.arrives) {
        if (fate.noticed) this.#reset(fail);
        return;
      }
      this.#scheduler.after(fate.afterMs, () => {
        if (remote.signal.aborted) return;
        if (this.#server.down) return this.#reset(fail);
        this.#remote
          .watch(type, {
            ...options,
            signal: remote.signal,
            onOpen: () => deliver(() => onOpen?.()),
            onEvent: (event) =>
              deliver(() => {
                const object = event.object as KubeObject;
                if (event.type === "DELETED") this.#tap.gone(type, object);
                if (event.type === "ADDED" || event.type === "MODIFIED")
                  this.#tap.received(type, [object], null);
                onEvent(event);
              }),
          })
          .then(
            () =>
              deliver(() => {
                close();
                resolve();
              }),
            (error) => {
              if (!remote.signal.aborted) deliver(() => fail(error));
            },
          );
      });
    });
  }
}

interface Bounds {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

function aborted(signal: AbortSignal | undefined): KubeError {
  return new KubeError("KUBE_ABORTED", "the call was aborted", { cause: signal?.reason });
}
