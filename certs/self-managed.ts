import { X509Certificate } from "node:crypto";
import { type Clock, sleep } from "../src/clock.ts";
import { isAlreadyExists, isConflict } from "../src/kube/errors.ts";
import type { Log } from "../src/log.ts";
import type { CaBundleKeeper } from "./ca-bundle.ts";
import { CurrentCertificate } from "./current.ts";
import { type CertificateState, nextAction, type RotationPolicy, takeStep, trustBundle } from "./rotation.ts";
import { readState, writeState } from "./secret-state.ts";
import type { SecretStore } from "./secret-store.ts";
import type { CertificateSource } from "./source.ts";
import type { RandomBytes } from "./x509.ts";

export interface SelfManagedOptions {
  store: SecretStore;
  keeper: CaBundleKeeper;
  policy: RotationPolicy;
  clock: Clock;
  log: Log;
  /** Pause between two looks at the Secret and the registrations, milliseconds; default 10_000. */
  checkMs?: number;
  /** A look that failed (the API server is away): told to the log as well. */
  onFailure?(error: unknown): void;
  random?: RandomBytes;
}

const DEFAULT_CHECK_MS = 10_000;
/** Until there is a first certificate nothing can be served, so it is looked for more often. */
const FIRST_CHECK_MS = 1_000;
/** More than any life needs at once: start over, renew, prepare, promote, drop. What comes on top waits. */
const STEPS_PER_LOOK = 8;

/**
 * An authority and serving certificates of our own, in a Secret that all replicas share. Each replica looks, and
 * takes the step that is due; the Secret's version decides between two that do so at once.
 */
export class SelfManagedCertificates implements CertificateSource {
  readonly #options: SelfManagedOptions;
  readonly #current = new CurrentCertificate();
  /** Since when, on the monotonic clock, every registration was seen to carry this next authority. */
  #published: { certPem: string; sinceMs: number } | undefined;

  constructor(options: SelfManagedOptions) {
    this.#options = options;
  }

  current() {
    return this.#current.get();
  }

  onChange(listener: Parameters<CertificateSource["onChange"]>[0]) {
    return this.#current.subscribe(listener);
  }

  async start(signal: AbortSignal): Promise<void> {
    const { clock, checkMs = DEFAULT_CHECK_MS } = this.#options;
    const first = Promise.withResolvers<void>();
    const run = async () => {
      while (true) {
        await this.look(signal);
        if (this.#current.has()) first.resolve();
        await sleep(clock, this.#current.has() ? checkMs : Math.min(checkMs, FIRST_CHECK_MS), signal);
      }
    };
    run().catch((reason) => first.reject(reason));
    await first.promise;
  }

  /** Looks, and takes every step that is due now. Errors of the API server are told, not thrown. */
  async look(signal?: AbortSignal): Promise<void> {
    try {
      for (let step = 0; step < STEPS_PER_LOOK && !signal?.aborted; step += 1) {
        if ((await this.#pass(signal)) === "done") return;
      }
    } catch (error) {
      if (signal?.aborted) return;
      this.#options.log.warn({ err: error }, "Could not look after the certificates");
      this.#options.onFailure?.(error);
    }
  }

  async #pass(signal?: AbortSignal): Promise<"again" | "done"> {
    const { store, keeper, policy, clock, log, random } = this.#options;
    const call = { signal };
    const registrations = await keeper.read(call);
    const snapshot = await store.read(call);
    const read = readState(snapshot.data);
    if (!read.ok && read.problem !== "") {
      log.error({ secret: store.name, problem: read.problem }, "The stored certificates are unusable");
    }
    const state = read.ok ? read.state : undefined;
    let nextPublishedForMs: number | undefined;
    if (state !== undefined) {
      this.#adopt(state);
      nextPublishedForMs = this.#observe(
        state,
        state.next !== null && keeper.carry(registrations, state.next.certPem),
      );
      await keeper.repair(registrations, trustBundle(state), call);
    }
    const nowMs = clock.wallMs();
    const action = nextAction(state, { nowMs, nextPublishedForMs }, policy);
    if (action.step === "wait") return "done";
    try {
      await store.write(snapshot, writeState(takeStep(state, action.step, nowMs, policy, random)), call);
      log.info({ secret: store.name, step: action.step, why: action.why }, "Certificates");
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error)) throw error;
    }
    return "again";
  }

  #observe({ next }: CertificateState, published: boolean): number | undefined {
    if (next === null || !published) {
      this.#published = undefined;
      return undefined;
    }
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#published?.certPem !== next.certPem)
      this.#published = { certPem: next.certPem, sinceMs: nowMs };
    return nowMs - this.#published.sinceMs;
  }

  #adopt(state: CertificateState): void {
    const { certPem, keyPem } = state.serving;
    const notAfterMs = new X509Certificate(certPem).validToDate.getTime();
    this.#current.set({ certPem, keyPem, caPem: trustBundle(state), notAfterMs });
  }
}
