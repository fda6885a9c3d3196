import type { KubeApi, KubeObject, ObjectKey, ResourceType, WriteOptions } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";

/** One write, as its sender is about to make it. */
export interface Write {
  readonly verb: "create" | "update" | "patch" | "delete";
  readonly type: ResourceType;
  readonly key: ObjectKey;
  readonly body: unknown;
  readonly options: WriteOptions;
}

/** Where a replica dies: before the write leaves, or after it was stored and before its answer arrives. */
export type Moment = "before" | "after";

/**
 * The API as one replica sees it, which can be cut off at any of its writes. Nothing comes to a replica that is cut
 * off and nothing leaves it: its calls hang until it is buried, as those of a frozen or unplugged machine do.
 */
export class Intercepted {
  readonly api: KubeApi;
  /** Writes that were sent and stored, dry runs apart. */
  readonly stored: Write[] = [];
  readonly #real: KubeApi;
  readonly #burial = Promise.withResolvers<never>();
  readonly #cutWatches = new AbortController();
  #dead = false;
  readonly #underWay = new Map<Write, Promise<unknown>>();
  #trap: { moment: Moment; at: (write: Write) => boolean; sprung: (write: Write) => void } | null = null;

  constructor(real: KubeApi) {
    this.#real = real;
    this.#burial.promise.catch(() => {});
    this.api = {
      get: (...call) => this.#read(real.get(...call)),
      list: (...call) => this.#read(real.list(...call)),
      createSubresource: (...call) => this.#read(real.createSubresource(...call)),
      create: (type, object, options = {}) =>
        this.#write({ verb: "create", type, key: object.metadata, body: object, options }, () =>
          real.create(type, object, options),
        ),
      update: (type, object, options = {}) =>
        this.#write({ verb: "update", type, key: object.metadata, body: object, options }, () =>
          real.update(type, object, options),
        ),
      patch: (type, key, patch, options = {}) =>
        this.#write({ verb: "patch", type, key, body: patch.body, options }, () =>
          real.patch(type, key, patch, options),
        ),
      delete: (type, key, options = {}) =>
        this.#write({ verb: "delete", type, key, body: null, options }, () =>
          real.delete(type, key, options),
        ),
      watch: (type, watch) => {
        const signal = AbortSignal.any([watch.signal, this.#cutWatches.signal]);
        const onEvent: typeof watch.onEvent = (event) => {
          if (!this.#dead) watch.onEvent(event);
        };
        return this.#read(real.watch(type, { ...watch, signal, onEvent }));
      },
    };
  }

  /** Cuts the replica off at its next write that `at` accepts; resolves with that write. */
  dieAt(moment: Moment, at: (write: Write) => boolean): Promise<Write> {
    return new Promise((sprung) => {
      this.#trap = { moment, at, sprung };
    });
  }

  /** Sends a write on which the replica died, as a network that had kept it would. */
  sendLate({ type, key, body, options }: Write): Promise<KubeObject> {
    const { signal: _signal, ...rest } = options;
    return this.#real.patch(type, key, { type: "merge", body }, rest);
  }

  /** Cuts the replica off now; what it has sent goes its way. */
  cutOff(): void {
    this.#die();
  }

  /** How a write ends that is under way, whether this replica hears of it or not. */
  endOf(wanted: (write: Write) => boolean): Promise<unknown> {
    for (const [write, sent] of this.#underWay) if (wanted(write)) return sent;
    throw new Error("no such write is under way");
  }

  /** Ends everything that hangs, so that the replica can be stopped. */
  bury(): void {
    this.#dead = true;
    this.#cutWatches.abort();
    this.#burial.reject(new KubeError("KUBE_TRANSPORT", "this replica is cut off"));
  }

  async #read<T>(call: Promise<T>): Promise<T> {
    const answer = await Promise.race([call, this.#burial.promise]).catch((error) => {
      if (this.#dead) return this.#burial.promise;
      throw error;
    });
    return this.#dead ? this.#burial.promise : answer;
  }

  async #write<T>(write: Write, send: () => Promise<T>): Promise<T> {
    if (this.#dead) return this.#burial.promise;
    const trap = this.#trap?.at(write) === true ? this.#trap : null;
    if (trap?.moment === "before") {
      this.#die();
      trap.sprung(write);
      return this.#burial.promise;
    }
    const sent = send();
    this.#underWay.set(write, sent);
    const ended = () => void this.#underWay.delete(write);
    sent.then(ended, ended);
    const answer = await this.#read(sent);
    if (write.options.dryRun !== true) this.stored.push(write);
    if (trap === null) return answer;
    this.#die();
    trap.sprung(write);
    return this.#burial.promise;
  }

  #die(): void {
    this.#dead = true;
    this.#trap = null;
    this.#cutWatches.abort();
  }
}
