/** One pool of the queue: sorts its hosts into classes and its claims into kinds, and keeps their matching. */
import type { Claim, Host, Requirements } from "./claim.ts";
import { inserted, removed } from "./lists.ts";
import { Matching } from "./matching.ts";
import { HostClass, Kind, type Seat } from "./network.ts";
import { compareClaims } from "./priority.ts";
import { fits } from "./requirements.ts";
import { type Change, type Lookup, type Term, Vocabulary, type Word } from "./vocabulary.ts";

/**
 * Kinds without claims are kept, since the same come again and again and a new one has to look at every host; but
 * no more than this beyond the number of kinds that have claims.
 */
const SPARE_KINDS = 16;

export class Pool {
  readonly matching = new Matching();
  readonly classes: Map<string, HostClass> = new Map();
  readonly kinds: Map<string, Kind> = new Map();
  hostCount = 0;
  claimCount = 0;
  private readonly vocabulary = new Vocabulary();
  /** Kinds that a host may fit without having any particular term. */
  private readonly undemanding: Lookup = { kinds: [] };
  private idleKinds = 0;

  addHost(host: Host): Seat {
    const terms = this.vocabulary.termsOf(host);
    const key = classKey(terms);
    const cls = this.classes.get(key) ?? this.newClass(terms, host);
    const seat = { host, class: cls };
    cls.members = inserted(cls.members, seatIndex(cls.members, host), seat);
    this.hostCount++;
    this.matching.hostAdded(cls);
    return seat;
  }

  removeHost(seat: Seat): void {
    const { class: cls, host } = seat;
    cls.members = removed(cls.members, seatIndex(cls.members, host));
    this.hostCount--;
    this.matching.hostRemoved(cls);
    if (cls.size === 0) this.dropClass(cls);
  }

  /** Puts a newer state of the host in its seat; false when it has to be removed and added instead. */
  updateHost(seat: Seat, host: Host): boolean {
    if (seat.host.name !== host.name) return false;
    if (classKey(this.vocabulary.termsOf(host)) !== seat.class.key) return false;
    seat.host = host;
    return true;
  }

  addClaim(claim: Claim): Kind {
    const kind = this.kindOf(claim.requirements);
    const index = claimIndex(kind.claims, claim);
    if (kind.claims.length === 0) this.idleKinds--;
    kind.claims = inserted(kind.claims, index, claim);
    this.claimCount++;
    this.matching.claimAdded(kind, index);
    return kind;
  }

  removeClaim(kind: Kind, claim: Claim): void {
    const index = claimIndex(kind.claims, claim);
    kind.claims = removed(kind.claims, index);
    this.claimCount--;
    this.matching.claimRemoved(kind, index);
    if (kind.claims.length > 0) return;
    this.idleKinds++;
    if (this.idleKinds > SPARE_KINDS + this.kinds.size - this.idleKinds) this.dropIdleKinds();
  }

  /** Puts a newer state of the claim in its place; false when it has to be removed and added instead. */
  updateClaim(kind: Kind, old: Claim, claim: Claim): boolean {
    if (compareClaims(old, claim) !== 0 || requirementsKey(claim.requirements) !== kind.key) return false;
    kind.claims = kind.claims.with(claimIndex(kind.claims, old), claim);
    return true;
  }

  private kindOf(requirements: Requirements): Kind {
    const key = requirementsKey(requirements);
    const known = this.kinds.get(key);
    if (known !== undefined) return known;
    for (const change of this.vocabulary.learn(requirements)) this.split(change);
    const kind = new Kind(key, requirements);
    this.kinds.set(key, kind);
    this.matching.addKind(kind);
    this.idleKinds++;
    const conditions = [...this.vocabulary.conditions(requirements)];
    for (const cls of this.candidates(conditions)) {
      if (fits(requirements, cls.members[0]!.host)) this.matching.addFit(kind, cls);
    }
    // Looked up where the fewest others are, so that a new class meets as few kinds as possible that don't fit.
    let lookup: Lookup | null = null;
    for (const condition of conditions) {
      if (lookup === null || condition.lookup.kinds.length < lookup.kinds.length) lookup = condition.lookup;
    }
    lookup ??= this.undemanding;
    lookup.kinds = inserted(lookup.kinds, lookup.kinds.length, kind);
    kind.lookup = lookup;
    return kind;
  }

  /** The classes that meet the rarest of the conditions; all of them when there is none. */
  private candidates(conditions: readonly { terms: readonly Term[] }[]): Iterable<HostClass> {
    let fewest = this.classes.size;
    let rarest: readonly Term[] | null = null;
    for (const { terms } of conditions) {
      let count = 0;
      for (const term of terms) count += term.classes.length;
      if (count < fewest) {
        fewest = count;
        rarest = terms;
      }
    }
    if (rarest === null) return this.classes.values();
    return rarest.flatMap((term) => term.classes);
  }

  private newClass(terms: readonly Term[], host: Host): HostClass {
    const cls = this.enterClass(terms);
    const consider = (lookup: Lookup) => {
      for (const kind of lookup.kinds) if (fits(kind.requirements, host)) this.matching.addFit(kind, cls);
    };
    consider(this.undemanding);
    for (const term of terms) {
      consider(term);
      consider(term.word);
    }
    return cls;
  }

  private enterClass(terms: readonly Term[]): HostClass {
    const cls = new HostClass(classKey(terms), terms);
    this.classes.set(cls.key, cls);
    this.matching.addClass(cls);
    for (const term of terms) addTo(term, cls);
    return cls;
  }

  private dropClass(cls: HostClass): void {
    for (const term of cls.terms) removeFrom(term, cls);
    this.matching.removeClass(cls);
    this.classes.delete(cls.key);
  }

  /** Parts the hosts that say different things about a word that has just been taken up. */
  private split({ word, within }: Change): void {
    for (const cls of [...(within === null ? this.classes.values() : within.classes)]) {
      const before = cls.terms.find((term) => term.word === word) ?? null;
      const parts = partition(cls.members, before, word);
      if (parts === null) continue;
      let largest: Term | null = before;
      for (const [term, members] of parts) {
        if (members.length > (parts.get(largest)?.length ?? 0)) largest = term;
      }
      const others = cls.terms.filter((term) => term !== before);
      // The class itself goes on as the largest part, whose seats then need no touching.
      cls.members = parts.get(largest)!;
      this.rename(cls, withTerm(others, largest));
      for (const [term, members] of parts) {
        if (term === largest) continue;
        const part = this.enterClass(withTerm(others, term));
        part.members = members;
        for (const seat of members) seat.class = part;
        this.matching.copyFits(cls, part);
        this.matching.splitOff(cls, part, members.length);
      }
    }
  }

  /** The hosts of the class say other things than before. */
  private rename(cls: HostClass, terms: readonly Term[]): void {
    const key = classKey(terms);
    if (key === cls.key) return;
    this.classes.delete(cls.key);
    for (const term of cls.terms) removeFrom(term, cls);
    cls.key = key;
    cls.terms = terms;
    for (const term of terms) addTo(term, cls);
    this.classes.set(key, cls);
  }

  /** Forgets the kinds that have no claims, and joins the classes that only they told apart. */
  private dropIdleKinds(): void {
    for (const kind of [...this.kinds.values()]) {
      if (kind.claims.length > 0) continue;
      this.matching.removeKind(kind);
      const lookup = kind.lookup!;
      lookup.kinds = removed(lookup.kinds, lookup.kinds.indexOf(kind));
      this.kinds.delete(kind.key);
      this.vocabulary.forget(kind.requirements);
    }
    this.idleKinds = 0;
    const before = [...this.classes.values()];
    this.classes.clear();
    for (const cls of before) {
      const terms = this.vocabulary.termsOf(cls.members[0]!.host);
      for (const term of cls.terms) removeFrom(term, cls);
      const key = classKey(terms);
      const same = this.classes.get(key);
      if (same === undefined) {
        cls.key = key;
        cls.terms = terms;
        for (const term of terms) addTo(term, cls);
        this.classes.set(key, cls);
        continue;
      }
      same.members = merged(same.members, cls.members);
      for (const seat of cls.members) seat.class = same;
      this.matching.mergeInto(same, cls);
      this.matching.removeClass(cls);
    }
  }
}

function withTerm(terms: readonly Term[], term: Term | null): readonly Term[] {
  return term === null ? terms : [...terms, term].sort((a, b) => a.id - b.id);
}

function addTo(term: Term, cls: HostClass): void {
  term.classes = inserted(term.classes, term.classes.length, cls);
}

function removeFrom(term: Term, cls: HostClass): void {
  term.classes = removed(term.classes, term.classes.indexOf(cls));
}

/** Equal for hosts that say the same. */
function classKey(terms: readonly Term[]): string {
  let key = "";
  for (const term of terms) key += `${term.id},`;
  return key;
}

/** Equal for requirements that ask and prefer the same. Short, since every pool keeps those of its kinds. */
export function requirementsKey(requirements: Requirements): string {
  const { requiredTags, preferredTags, expressions, cluster } = requirements;
  const parts: string[] = [];
  const part = (letter: string, value: object | string) => parts.push(letter + JSON.stringify(value));
  if (requiredTags.length > 0) part("t", requiredTags);
  if (preferredTags.length > 0) part("T", preferredTags);
  const labels = sortedEntries(requirements.requiredLabels);
  if (labels.length > 0) part("l", labels);
  const preferred = sortedEntries(requirements.preferredLabels);
  if (preferred.length > 0) part("L", preferred);
  if (expressions.length > 0) {
    part(
      "e",
      expressions.map(({ key, operator, values }) => [key, operator, ...values]),
    );
  }
  if (requirements.minCPUCores > 0) parts.push(`c${requirements.minCPUCores}`);
  if (requirements.minMemoryGB > 0) parts.push(`m${requirements.minMemoryGB}`);
  if (requirements.minDiskGB > 0) parts.push(`d${requirements.minDiskGB}`);
  if (cluster !== "") part("r", cluster);
  return parts.join(" ");
}

function sortedEntries(labels: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Hosts of a pool in their order: by name, and by uid while a host and its successor are both there. */
export function isBefore(a: Host, b: Host): boolean {
  return a.name < b.name || (a.name === b.name && a.uid < b.uid);
}

function seatIndex(seats: readonly Seat[], host: Host): number {
  let low = 0;
  let high = seats.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(seats[middle]!.host, host)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of the sorted claims come before `claim`. */
export function claimIndex(claims: readonly Claim[], claim: Claim): number {
  let low = 0;
  let high = claims.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareClaims(claims[middle]!, claim) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Seats by term, each part in the order it had; null when all have `usual`. */
function partition(seats: readonly Seat[], usual: Term | null, word: Word): Map<Term | null, Seat[]> | null {
  let at = 0;
  while (at < seats.length && word.termOf(seats[at]!.host) === usual) at++;
  if (at === seats.length) return null;
  const parts = new Map<Term | null, Seat[]>();
  if (at > 0) parts.set(usual, seats.slice(0, at));
  for (; at < seats.length; at++) {
    const term = word.termOf(seats[at]!.host);
    const part = parts.get(term);
    if (part === undefined) parts.set(term, [seats[at]!]);
    else part.push(seats[at]!);
  }
  return parts;
}

/** Two sorted lists in one. */
function merged(a: readonly Seat[], b: readonly Seat[]): Seat[] {
  const all: Seat[] = [];
  let i = 0;
  for (const seat of b) {
    while (i < a.length && isBefore(a[i]!.host, seat.host)) all.push(a[i++]!);
    all.push(seat);
  }
  while (i < a.length) all.push(a[i++]!);
  return all;
}
