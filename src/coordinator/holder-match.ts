import type { HolderState } from "../claims/decide.ts";
import type { Clock } from "../clock.ts";
import type { World } from "./world.ts";

/** Claims by others, and none by the holder, after which a holder is suspected to be recognisable by nobody. */
const SUSPICIOUS = 20;
/**
 * A burst of claims may come here before the first one of a replica of ours, which makes them for others: so long
 * none is suspected. Who is none of ours claims what he is asked for himself, and at once.
 */
const PATIENCE_MS = 30_000;
/** Of this many terms it is remembered that they were recognised; hosts may show one before its first verdict here. */
const REMEMBERED_TERMS = 64;

export interface HolderMatchOptions {
  clock: Clock;
  /** Who holds the Lease now, as far as this replica knows: the term, and whether it is one of ours. */
  holder(): { term: string; foreign: boolean } | null;
  /** Whether the holder, as far as this replica can see, has anything to claim. */
  hasWork(): boolean;
  /** Told once in a term. */
  onUnmatched(term: string): void;
}

/**
 * Notices a valid holder that no requester ever matches: every claim would be delegated to somebody who can never
 * claim (v0.3.4's electors all call themselves alike, and a token may be bound to no pod).
 */
export class HolderMatch {
  readonly #options: HolderMatchOptions;
  /** Terms under which some claim was recognised, here or by whoever judged it. */
  readonly #recognised = new Set<string>();
  #term = "";
  /** Delegated while the holder had something to claim. */
  #others = 0;
  #firstAtMs = 0;
  #told = false;

  constructor(options: HolderMatchOptions) {
    this.#options = options;
  }

  /** Whether the present holder is suspected. */
  get unmatched(): boolean {
    // Asked with every verdict, and nearly always enough.
    if (this.#others < SUSPICIOUS || this.#recognised.has(this.#term)) return false;
    const { clock, holder } = this.#options;
    const now = holder();
    if (now === null || now.term !== this.#term) return false;
    return now.foreign || clock.monotonicMs() - this.#firstAtMs >= PATIENCE_MS;
  }

  /** A verdict of this replica. */
  note({
    term,
    requesterIsHolder,
    reason,
  }: {
    term: string;
    requesterIsHolder: boolean;
    reason: string;
  }): void {
    if (term === "") return;
    this.#begin(term);
    if (requesterIsHolder) this.claimed(term);
    else if (reason === "Delegated" && !this.#recognised.has(term) && this.#options.hasWork())
      this.#delegated();
    if (!this.unmatched || this.#told) return;
    this.#told = true;
    this.#options.onUnmatched(term);
  }

  /** A host says that it was claimed under this term: whichever replica judged it has recognised the holder. */
  claimed(term: string): void {
    if (term === "") return;
    this.#recognised.delete(term);
    this.#recognised.add(term);
    if (this.#recognised.size <= REMEMBERED_TERMS) return;
    for (const oldest of this.#recognised) {
      this.#recognised.delete(oldest);
      return;
    }
  }

  #begin(term: string): void {
    if (term === this.#term) return;
    this.#term = term;
    this.#others = 0;
    this.#told = false;
  }

  #delegated(): void {
    if (this.#others === 0) this.#firstAtMs = this.#options.clock.monotonicMs();
    if (this.#others < SUSPICIOUS) this.#others++;
  }
}

/** One of our own claims whatever it can; what another elector's replica is up to is not known here. */
export function holderHasWork(state: HolderState, world: World): boolean {
  if (state.kind === "valid" && state.foreign) return true;
  for (const _ of world.queue.place(1)) return true;
  return false;
}
