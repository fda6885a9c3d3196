import { type Consumer, consumerKey, type Host, sameConsumer } from "../claims/claim.ts";
import type { ClaimRequest } from "../requests/claim-request.ts";
import { isClaimRequest } from "./consumer-object.ts";
import { type ConsumerFacts, emptyFacts, isHeldBy } from "./facts.ts";

/** What is known of each consumer, by its key: the reading half of the world. */
export class Consumers {
  protected readonly byKey = new Map<string, ConsumerFacts>();
  protected readonly knownMachineKinds = new Set<string>();
  #requestsKnown = () => false;

  /** While `known` says so, a request that is not here does not exist. */
  requestsKnownWhile(known: () => boolean): void {
    this.#requestsKnown = known;
  }

  /** Whether the object behind this consumer is certainly gone: its kind is mirrored and it is not there. */
  isGone(consumer: Consumer): boolean {
    const byRequest = isClaimRequest(consumer);
    if (byRequest ? !this.#requestsKnown() : !this.knownMachineKinds.has(consumer.kind)) return false;
    const { machine = null, request = null } = this.byKey.get(consumerKey(consumer)) ?? {};
    const object = byRequest ? request : machine;
    return object === null || (consumer.uid !== "" && object.uid !== consumer.uid);
  }

  factsOf(request: ClaimRequest): Readonly<ConsumerFacts> | undefined {
    return this.byKey.get(consumerKey(request.consumer));
  }

  /** The consumer with the uid of the object that has its name now, where its writer left the uid out. */
  identified(consumer: Consumer): Consumer {
    const machine = this.byKey.get(consumerKey(consumer))?.machine ?? null;
    return consumer.uid !== "" || machine === null ? consumer : { ...consumer, uid: machine.uid };
  }

  /** The cluster of the consumer's machine; "" when unknown. */
  clusterOf(consumer: Consumer): string {
    return this.byKey.get(consumerKey(consumer))?.machine?.cluster ?? "";
  }

  heldBy(consumer: Consumer): Host[] {
    const hosts = this.byKey.get(consumerKey(consumer))?.hosts.values() ?? [];
    return [...hosts].filter((host) => isHeldBy(host, consumer));
  }

  consumers(): IterableIterator<readonly [string, Readonly<ConsumerFacts>]> {
    return this.byKey.entries();
  }

  consumer(key: string): Readonly<ConsumerFacts> | undefined {
    return this.byKey.get(key);
  }

  /** The request that is this consumer's place, or null: one of another uid, or being deleted, is none. */
  requestOf(consumer: Consumer): ClaimRequest | null {
    const request = this.byKey.get(consumerKey(consumer))?.request ?? null;
    return request !== null && sameConsumer(request.consumer, consumer) ? request : null;
  }

  protected factsFor(consumer: { kind: string; namespace: string; name: string }): ConsumerFacts {
    const key = consumerKey(consumer);
    let facts = this.byKey.get(key);
    if (facts === undefined) {
      facts = emptyFacts(key, consumer.kind);
      this.byKey.set(key, facts);
    }
    return facts;
  }
}
