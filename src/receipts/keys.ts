import { type CryptoKey, importJWK, type JSONWebKeySet } from "jose";
import type { SecretStore } from "../../certs/secret-store.ts";
import { type Clock, sleep } from "../clock.ts";
import { isAlreadyExists, isConflict } from "../kube/errors.ts";
import type { Log } from "../log.ts";
import { type KeyRing, nextRingStep, parseRing, type RingKey, signingKey, takeRingStep } from "./key-ring.ts";
import { type Receipt, signReceipt } from "./receipt.ts";

export interface ReceiptKeysOptions {
  /** The Secret that holds the certificates too. */
  store: SecretStore;
  clock: Clock;
  log: Log;
  /** The kids of all receipts that hosts carry now; undefined while that is not known for certain. */
  keysInUse(): ReadonlySet<string> | undefined;
  /** Pause between two looks, milliseconds; below PUBLISH_AHEAD_MS by far, default 60_000. */
  checkMs?: number;
}

const SECRET_KEY = "receipt-keys.json";
const DEFAULT_CHECK_MS = 60_000;
const FIRST_CHECK_MS = 1_000;
/** More than there are kinds of steps; replicas that look at once cost each other a round. What comes on top waits. */
const STEPS_PER_LOOK = 8;

/** The key ring of all replicas, as this one sees it; rotates it when that is due. */
export class ReceiptKeys {
  readonly #options: ReceiptKeysOptions;
  #ring: KeyRing = [];
  /** Imported once a key; importing costs more than signing. */
  readonly #imported = new Map<string, Promise<CryptoKey>>();

  constructor(options: ReceiptKeysOptions) {
    this.#options = options;
  }

  /** Resolves when receipts can be signed; goes on in the background until the signal is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    const { clock, checkMs = DEFAULT_CHECK_MS } = this.#options;
    const first = Promise.withResolvers<void>();
    const run = async () => {
      while (true) {
        await this.look(signal);
        if (this.ready()) first.resolve();
        await sleep(clock, this.ready() ? checkMs : FIRST_CHECK_MS, signal);
      }
    };
    run().catch((reason) => first.reject(reason));
    await first.promise;
  }

  ready(): boolean {
    return signingKey(this.#ring, this.#options.clock.wallMs()) !== undefined;
  }

  /** Rejects while there is no key: only before start() has resolved. */
  async sign(receipt: Receipt): Promise<string> {
    const key = signingKey(this.#ring, this.#options.clock.wallMs());
    if (key === undefined) throw new Error("no receipt can be signed before the keys are there");
    return signReceipt({ kid: key.kid, key: await this.#import(key) }, receipt);
  }

  /** What is served at /.well-known/jwks.json: public keys only. */
  jwks(): JSONWebKeySet {
    return {
      keys: this.#ring.map(({ kid, publicJwk }) => ({ ...publicJwk, kid, alg: "ES256", use: "sig" })),
    };
  }

  /** Reads the ring, and takes every step that is due. Errors of the API server are told, not thrown. */
  async look(signal?: AbortSignal): Promise<void> {
    try {
      for (let step = 0; step < STEPS_PER_LOOK && !signal?.aborted; step += 1) {
        if ((await this.#pass(signal)) === "done") return;
      }
    } catch (error) {
      if (!signal?.aborted) this.#options.log.warn({ err: error }, "Could not look after the receipt keys");
    }
  }

  async #pass(signal?: AbortSignal): Promise<"again" | "done"> {
    const { store, clock, log, keysInUse } = this.#options;
    const snapshot = await store.read({ signal });
    const text = snapshot.data[SECRET_KEY];
    const ring = text === undefined ? [] : parseRing(text);
    if (ring === undefined) {
      log.error(
        { secret: store.name, key: SECRET_KEY },
        "The stored receipt keys are unusable; making new ones",
      );
    }
    this.#ring = ring ?? [];
    const nowMs = clock.wallMs();
    const inUse = keysInUse();
    const step = nextRingStep(this.#ring, nowMs, inUse);
    if (step === undefined) return "done";
    const changed = await takeRingStep(this.#ring, step, nowMs, inUse);
    try {
      await store.write(snapshot, { [SECRET_KEY]: JSON.stringify(changed) }, { signal });
      log.info({ secret: store.name, step }, "Receipt keys");
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error)) throw error;
    }
    return "again";
  }

  #import({ kid, privateJwk }: RingKey): Promise<CryptoKey> {
    const known = this.#imported.get(kid);
    if (known !== undefined) return known;
    const imported = importJWK(privateJwk ?? {}, "ES256") as Promise<CryptoKey>;
    this.#imported.set(kid, imported);
    return imported;
  }
}
