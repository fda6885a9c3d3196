/** One pool of the queue: sorts its hosts into classes and its claims into kinds, and keeps their matching. */
import { addRow, type BitRow, bitsOf, clearBit, rowOf, ScratchBits, setBit } from "./bits.ts";
import type { Claim, Host, Requirements } from "./claim.ts";
import { inserted, removed } from "./lists.ts";
import { Matching } from "./matching.ts";
import { HostClass, Kind, type Parts, type Seat, type Ticket } from "./network.ts";
import { claimIndex, compareClaims } from "./priority.ts";
import { fits } from "./requirements.ts";
import { merged, seatIndex, sortedSeats, without } from "./seats.ts";
import {
  type Change,
  type Condition,
  type Lookup,
  NO_KINDS,
  type Term,
  Vocabulary,
  type Word,
} from "./vocabulary.ts";

/**
 * Kinds without claims are kept, since the same come again and again and a new one has to look at every host; but
 * no more than this beyond the number of kinds that have claims.
 */
const SPARE_KINDS = 16;

/** When this part of all hosts is concerned, it is quicker to go through all. */
const SCAN_ALL = 4;

const candidateBits = new ScratchBits();
const conditionBits = new ScratchBits();

export class Pool {
  readonly matching = new Matching();
  readonly classes: Map<string, HostClass> = new Map();
  readonly kinds: Map<string, Kind> = new Map();
  hostCount = 0;
  claimCount = 0;
  /** All hosts of the queue, in the order in which they came. */
  private readonly seats: ReadonlyMap<string, Seat>;
  private readonly vocabulary = new Vocabulary();
  /** Kinds that a host may fit without having any particular term. */
  private readonly undemanding: Lookup = { kinds: NO_KINDS };
  private idleKinds = 0;

  constructor(seats: ReadonlyMap<string, Seat>) {
    this.seats = seats;
  }

  get placedCount(): number {
    return this.claimCount - this.matching.unplaced;
  }

  /** Puts the host of the seat in its class, whatever class the seat was in before. */
  addSeat(seat: Seat): void {
    const { host } = seat;
    const terms = this.vocabulary.termsOf(host);
    const key = classKey(terms);
    const cls = this.classes.get(key) ?? this.newClass(terms, host);
    seat.class = cls;
    cls.members = inserted(cls.members, seatIndex(cls.members, host), seat);
    this.hostCount++;
    this.matching.hostAdded(cls);
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
  updateClaim(ticket: Ticket, claim: Claim): boolean {
    const { claim: old, kind } = ticket;
    if (compareClaims(old, claim) !== 0 || requirementsKey(claim.requirements) !== kind.key) return false;
    kind.claims = kind.claims.with(claimIndex(kind.claims, old), claim);
    this.matching.noteClaims(kind);
    ticket.claim = claim;
    return true;
  }

  private kindOf(requirements: Requirements): Kind {
    const key = requirementsKey(requirements);
    const known = this.kinds.get(key);
    if (known !== undefined) return known;
    for (const change of this.vocabulary.learn(requirements)) this.split(change);
    const kind = new Kind(key, this.vocabulary.inOwnWords(requirements));
    this.kinds.set(key, kind);
    this.matching.addKind(kind);
    this.idleKinds++;
    const conditions = [...this.vocabulary.conditions(requirements)];
    for (const cls of this.candidates(conditions)) {
      if (fits(kind.requirements, cls.members[0]!.host)) this.matching.addFit(kind, cls);
    }
    kind.lookups = this.lookupsFor(conditions);
    for (const lookup of kind.lookups) lookup.kinds = inserted(lookup.kinds, lookup.kinds.length, kind);
    return kind;
  }

  /** The classes that meet all conditions. */
  private candidates(conditions: readonly Condition[]): Iterable<HostClass> {
    const [first, ...others] = conditions;
    if (first === undefined) return this.classes.values();
    const slots = this.matching.classes.length;
    const meetAll = candidateBits.reset(slots);
    for (const term of first.terms) addRow(meetAll, term.classes);
    for (const { terms } of others) {
      const meet = conditionBits.reset(slots);
      for (const term of terms) addRow(meet, term.classes);
      for (let word = 0; word < meet.length; word++) meetAll[word]! &= meet[word]!;
    }
    return this.classesOf(rowOf(meetAll, slots));
  }

  /** Where the fewest others are, so that a new class meets as few kinds as possible that don't fit. */
  private lookupsFor(conditions: readonly Condition[]): readonly Lookup[] {
    let best: readonly Lookup[] = [this.undemanding];
    let fewest = Number.POSITIVE_INFINITY;
    for (const { lookups } of conditions) {
      let others = 0;
      for (const { kinds } of lookups) others += kinds.length;
      if (others >= fewest) continue;
      fewest = others;
      best = lookups;
    }
    return best;
  }

  private classesOf(slots: BitRow): HostClass[] {
    const classes: HostClass[] = [];
    for (const slot of bitsOf(slots)) classes.push(this.matching.classes[slot]!);
    return classes;
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
    const classes = within === null ? [...this.classes.values()] : this.classesOf(within.classes);
    let hosts = 0;
    for (const cls of classes) {
      cls.parts = { usual: undefined, others: null };
      hosts += cls.size;
    }
    // Most of the time goes into waiting for memory: in the order in which hosts came, they lie side by side.
    if (hosts * SCAN_ALL > this.seats.size) for (const seat of this.seats.values()) sortIntoParts(seat, word);
    else for (const cls of classes) for (const seat of cls.members) sortIntoParts(seat, word);
    for (const cls of classes) {
      const parts = cls.parts!;
      cls.parts = null;
      this.replaceByParts(cls, word, parts);
    }
  }

  /** The class itself goes on as its usual part, whose seats then need no touching. */
  private replaceByParts(cls: HostClass, word: Word, { usual = null, others }: Parts): void {
    const said = cls.terms.find((term) => term.word === word) ?? null;
    // Most classes go on as they are when the word is a rare one.
    if (said !== usual) this.rename(cls, withTerm(cls.terms, word, usual));
    if (others === null) return;
    for (const [term, seats] of others) {
      const part = this.enterClass(withTerm(cls.terms, word, term));
      part.members = sortedSeats(seats);
      for (const seat of seats) seat.class = part;
      this.matching.copyFits(cls, part);
      this.matching.splitOff(cls, part, seats.length);
      cls.members = without(cls.members, part.members);
    }
  }

  /** The hosts of the class say other things than before. */
  private rename(cls: HostClass, terms: readonly Term[]): void {
    this.classes.delete(cls.key);
    for (const term of cls.terms) removeFrom(term, cls);
    cls.key = classKey(terms);
    cls.terms = terms;
    for (const term of terms) addTo(term, cls);
    this.classes.set(cls.key, cls);
  }

  /** Forgets the kinds that have no claims, and joins the classes that only they told apart. */
  private dropIdleKinds(): void {
    for (const kind of [...this.kinds.values()]) {
      if (kind.claims.length > 0) continue;
      this.matching.removeKind(kind);
      for (const lookup of kind.lookups) lookup.kinds = removed(lookup.kinds, lookup.kinds.indexOf(kind));
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

/** The terms, with this one, or none where it is null, for what they said about the word. */
function withTerm(terms: readonly Term[], word: Word, term: Term | null): readonly Term[] {
  const others = terms.filter((other) => other.word !== word);
  return term === null ? others : [...others, term].sort((a, b) => a.id - b.id);
}

function addTo(term: Term, cls: HostClass): void {
  term.classes = setBit(term.classes, cls.slot);
}

function removeFrom(term: Term, cls: HostClass): void {
  term.classes = clearBit(term.classes, cls.slot);
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
  return Object.keys(labels)
    .sort()
    .map((key) => [key, labels[key]!]);
}

function sortIntoParts(seat: Seat, word: Word): void {
  const { parts } = seat.class;
  if (parts === null) return;
  const term = word.termOf(seat.host);
  if (parts.usual === undefined) parts.usual = term;
  if (term === parts.usual) return;
  parts.others ??= new Map();
  const others = parts.others.get(term);
  if (others === undefined) parts.others.set(term, [seat]);
  else others.push(seat);
}
