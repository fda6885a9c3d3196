/** Small networks made by hand, and how often something of theirs is looked at: the steps of a search, without a clock. */
import type { Claim } from "../../src/claims/claim.ts";
import { Matching } from "../../src/claims/matching.ts";
import { HostClass, Kind } from "../../src/claims/network.ts";
import { claimIndex } from "../../src/claims/priority.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { aClaim, aHost } from "./generate.ts";

export class HandMade {
  readonly matching = new Matching();
  private hosts = 0;
  private claims = 0;

  /** A class of so many hosts, which are there at once. */
  addClass(hosts: number): HostClass {
    const cls = new HostClass("", []);
    this.matching.addClass(cls);
    for (let n = 0; n < hosts; n++) this.addHost(cls);
    return cls;
  }

  addHost(cls: HostClass): void {
    cls.members = [...cls.members, { host: aHost(`h${this.hosts++}`), class: cls }];
    this.matching.hostAdded(cls);
  }

  /** A kind without claims that fits these classes. */
  addKind(classes: readonly HostClass[], requirements = NO_REQUIREMENTS): Kind {
    const kind = new Kind("", requirements);
    this.matching.addKind(kind);
    for (const cls of classes) this.matching.addFit(kind, cls);
    return kind;
  }

  addClaim(kind: Kind, createdAtMs: number): Claim {
    const claim = aClaim(`c${this.claims++}`, { createdAtMs });
    const index = claimIndex(kind.claims, claim);
    kind.claims = kind.claims.toSpliced(index, 0, claim);
    this.matching.claimAdded(kind, index);
    return claim;
  }
}

/** Counts from now on how often the property is read. */
export function readsOf<K extends PropertyKey>(owner: { [key in K]: unknown }, property: K): () => number {
  let reads = 0;
  let value: unknown = owner[property];
  Object.defineProperty(owner, property, {
    get: () => {
      reads++;
      return value;
    },
    set: (next) => {
      value = next;
    },
  });
  return () => reads;
}
