/** Kinds by priority: of each, one claim stands for it. */
import type { Claim } from "./claim.ts";
import { inserted, removed } from "./lists.ts";
import type { Kind } from "./network.ts";
import { claimIndex, compareClaims } from "./priority.ts";

export class Ranking {
  /** The highest first. */
  kinds: readonly Kind[] = [];
  /** Side by side with `kinds`. */
  private claims: readonly Claim[] = [];

  /** From now on the kind is represented by another claim; null: it is not there. */
  move(kind: Kind, from: Claim | null, to: Claim | null): void {
    if (from !== null) {
      const index = claimIndex(this.claims, from);
      if (to !== null && this.fitsAt(index, to)) {
        (this.claims as Claim[])[index] = to;
        return;
      }
      this.claims = removed(this.claims, index);
      this.kinds = removed(this.kinds, index);
    }
    if (to === null) return;
    const index = claimIndex(this.claims, to);
    this.claims = inserted(this.claims, index, to);
    this.kinds = inserted(this.kinds, index, kind);
  }

  /** In the place at `index` the claim would be in order. */
  private fitsAt(index: number, claim: Claim): boolean {
    const { claims } = this;
    return (
      (index === 0 || compareClaims(claims[index - 1]!, claim) < 0) &&
      (index + 1 >= claims.length || compareClaims(claim, claims[index + 1]!) < 0)
    );
  }
}
