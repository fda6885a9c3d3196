import { consumerKey, sameConsumer } from "../../src/claims/claim.ts";
import { readClaimRequest } from "../../src/requests/claim-request.ts";
import type { Change, Store } from "../../src/sandbox/store.ts";
import { shown } from "./storage-check.ts";
import { REQUESTS, Stored } from "./stored.ts";

/** No request goes unless somebody deletes it, or the machine that it was made for is gone. */
export class RequestCheck {
  /** Uids of requests that somebody deletes on purpose. */
  readonly #renounced = new Set<string>();

  constructor(store: Pick<Store, "list" | "get" | "subscribe">, violated: (sentence: string) => void) {
    const stored = new Stored(store);
    store.subscribe(REQUESTS, ({ type, previous }: Change) => {
      if (type !== "DELETED" || previous === undefined) return;
      const { consumer, explicit, name, uid } = readClaimRequest(previous);
      if (this.#renounced.delete(uid)) return;
      if (explicit) return violated(`request ${name} is gone and nobody deleted it`);
      const machine = stored.machine(consumer);
      if (machine === null || machine.deleting || consumer.uid === "" || !sameConsumer(machine, consumer))
        return;
      violated(`request ${name} is gone and ${shown(consumer)} (${consumerKey(machine)}) is not`);
    });
  }

  /** Somebody is about to delete the request of this uid himself. */
  renounce(uid: string): void {
    this.#renounced.add(uid);
  }
}
