/** Claims by others, and none by the holder, after which a holder is suspected to be recognisable by nobody. */
const SUSPICIOUS = 20;

/**
 * Notices a valid holder that no requester ever matches: every claim would be delegated to somebody who can never
 * claim (v0.3.4's electors all call themselves alike, and a token may be bound to no pod).
 */
export class HolderMatch {
  readonly #onUnmatched: (identity: string) => void;
  #term = "";
  #others = 0;
  #matched = false;

  constructor(onUnmatched: (holderIdentity: string) => void) {
    this.#onUnmatched = onUnmatched;
  }

  /** Whether the present holder is suspected. */
  get unmatched(): boolean {
    return !this.#matched && this.#others >= SUSPICIOUS;
  }

  note(record: { term: string; requesterIsHolder: boolean; reason: string }): void {
    if (record.term === "") return;
    if (record.term !== this.#term) {
      this.#term = record.term;
      this.#others = 0;
      this.#matched = false;
    }
    if (record.requesterIsHolder) this.#matched = true;
    else if (record.reason === "Delegated") this.#others++;
    if (!this.#matched && this.#others === SUSPICIOUS) this.#onUnmatched(record.term);
  }
}
