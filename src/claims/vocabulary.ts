/**
 * The words that the requirements of one pool use. Hosts are told apart by these words alone, so that a label which
 * nobody asks for makes no difference, and hosts without one are interchangeable.
 */
import { type BitRow, NO_BITS } from "./bits.ts";
import type { Hardware, Host, Requirements } from "./claim.ts";
import type { Kind } from "./network.ts";

/** A place where kinds are kept to be found again by what a host says. */
export interface Lookup {
  kinds: readonly Kind[];
}

export const NO_KINDS: readonly Kind[] = [];

/** One thing that a host may have to say about a word: "zone is a", "zone is there but nothing that anybody asks". */
export class Term implements Lookup {
  readonly id: number;
  readonly word: Word;
  /** How many kinds mention it. */
  uses = 0;
  /** Slots of the classes whose hosts say it. */
  classes: BitRow = NO_BITS;
  kinds: readonly Kind[] = NO_KINDS;

  constructor(id: number, word: Word) {
    this.id = id;
    this.word = word;
  }
}

/** A property of hosts that some requirement mentions. */
export interface Word extends Lookup {
  /** What the host says about it; null: nothing. */
  termOf(host: Host): Term | null;
}

class LabelWord implements Word {
  readonly key: string;
  uses = 0;
  kinds: readonly Kind[] = NO_KINDS;
  readonly values: Map<string, Term> = new Map();
  /** The label is there with a value that nobody mentions. */
  readonly other: Term;

  constructor(key: string, otherId: number) {
    // The form in which property names are kept: with any other, each look-up would have to find that first.
    this.key = Object.keys({ [key]: 0 })[0]!;
    this.other = new Term(otherId, this);
  }

  termOf(host: Host): Term | null {
    // What every object inherits is no text; this asks less of the engine than asking for the label itself.
    const value = host.labels[this.key];
    if (typeof value !== "string") return null;
    return (this.values.size === 0 ? undefined : this.values.get(value)) ?? this.other;
  }

  terms(): Term[] {
    return [...this.values.values(), this.other];
  }
}

/** Hardware in steps: the greatest minimum that is asked for and reached. */
class MinimumWord implements Word {
  readonly property: keyof Hardware;
  kinds: readonly Kind[] = NO_KINDS;
  /** Ascending. */
  readonly steps: { readonly min: number; readonly term: Term }[] = [];
  readonly below: Term;

  constructor(property: keyof Hardware, belowId: number) {
    this.property = property;
    this.below = new Term(belowId, this);
  }

  termOf(host: Host): Term | null {
    const have = host.hardware?.[this.property] ?? null;
    if (have === null) return null;
    return this.steps.findLast((step) => step.min <= have)?.term ?? this.below;
  }
}

class ClusterWord implements Word {
  kinds: readonly Kind[] = NO_KINDS;
  readonly clusters = new Map<string, Term>();
  readonly elsewhere: Term;

  constructor(elsewhereId: number) {
    this.elsewhere = new Term(elsewhereId, this);
  }

  termOf(host: Host): Term | null {
    if (host.reservedFor === null) return null;
    const own = host.reservedFor.namespace === host.namespace;
    return (own ? this.clusters.get(host.reservedFor.name) : undefined) ?? this.elsewhere;
  }
}

/** Only hosts that say one of the terms meet it; kinds with this condition may be kept in these places. */
export interface Condition {
  readonly terms: readonly Term[];
  readonly lookups: readonly Lookup[];
}

/** A word of which hosts may now say something else; `within`: only hosts that said this, null: any host. */
export interface Change {
  readonly word: Word;
  readonly within: Term | null;
}

const PROPERTIES = [
  ["cpuCores", "minCPUCores"],
  ["memoryGB", "minMemoryGB"],
  ["diskGB", "minDiskGB"],
] as const;

const NO_MINIMA: readonly MinimumWord[] = [];

export class Vocabulary {
  private nextId = 0;
  private readonly labels = new Map<string, LabelWord>();
  private minima: readonly MinimumWord[] = NO_MINIMA;
  private clusters: ClusterWord | null = null;

  /** What the host says, in a fixed order. Hosts that say the same are interchangeable. */
  termsOf(host: Host): Term[] {
    const terms: Term[] = [];
    if (this.labels.size > 0) {
      for (const key in host.labels) {
        const term = this.labels.get(key)?.termOf(host);
        if (term) terms.push(term);
      }
    }
    for (const word of this.minima) {
      const term = word.termOf(host);
      if (term !== null) terms.push(term);
    }
    if (host.reservedFor !== null) {
      // A reservation makes a difference even while no claim knows its cluster.
      this.clusters ??= new ClusterWord(this.nextId++);
      terms.push(this.clusters.termOf(host)!);
    }
    return terms.sort((a, b) => a.id - b.id);
  }

  /** Takes up what `requirements` mention; returns the words about which hosts may have more to say than before. */
  learn(requirements: Requirements): Change[] {
    const changes = new Map<Word, Change>();
    const changed = (word: Word, within: Term | null) => {
      if (!changes.has(word)) changes.set(word, { word, within });
    };
    for (const { key, value } of labelMentions(requirements)) {
      let word = this.labels.get(key);
      if (word === undefined) {
        word = new LabelWord(key, this.nextId++);
        this.labels.set(key, word);
        changed(word, null);
      }
      word.uses++;
      if (value === null) continue;
      let term = word.values.get(value);
      if (term === undefined) {
        term = new Term(this.nextId++, word);
        word.values.set(value, term);
        changed(word, word.other);
      }
      term.uses++;
    }
    for (const [property, field] of PROPERTIES) {
      const min = requirements[field];
      if (min <= 0) continue;
      let word = this.minima.find((candidate) => candidate.property === property);
      if (word === undefined) {
        word = new MinimumWord(property, this.nextId++);
        this.minima = [...this.minima, word];
      }
      let step = word.steps.find((candidate) => candidate.min === min);
      if (step === undefined) {
        step = { min, term: new Term(this.nextId++, word) };
        word.steps.push(step);
        word.steps.sort((a, b) => a.min - b.min);
        changed(word, null);
      }
      step.term.uses++;
    }
    if (requirements.cluster !== "") {
      this.clusters ??= new ClusterWord(this.nextId++);
      let term = this.clusters.clusters.get(requirements.cluster);
      if (term === undefined) {
        term = new Term(this.nextId++, this.clusters);
        this.clusters.clusters.set(requirements.cluster, term);
        changed(this.clusters, this.clusters.elsewhere);
      }
      term.uses++;
    }
    return [...changes.values()];
  }

  /** The same requirements, with label keys in the form in which looking them up is quickest. */
  inOwnWords(requirements: Requirements): Requirements {
    const own = (key: string) => this.labels.get(key)!.key;
    const { requiredTags, preferredTags, expressions } = requirements;
    if (requiredTags.length + preferredTags.length + expressions.length === 0) return requirements;
    return {
      ...requirements,
      requiredTags: requiredTags.map(own),
      preferredTags: preferredTags.map(own),
      expressions: expressions.map((expression) => ({ ...expression, key: own(expression.key) })),
    };
  }

  /** Undoes one `learn`. Hosts may say less afterwards: their terms have to be asked for again. */
  forget(requirements: Requirements): void {
    for (const { key, value } of labelMentions(requirements)) {
      const word = this.labels.get(key)!;
      if (value !== null && --word.values.get(value)!.uses === 0) word.values.delete(value);
      if (--word.uses === 0) this.labels.delete(key);
    }
    for (const [property, field] of PROPERTIES) {
      const min = requirements[field];
      if (min <= 0) continue;
      const at = this.minima.findIndex((candidate) => candidate.property === property);
      const { steps } = this.minima[at]!;
      const step = steps.findIndex((candidate) => candidate.min === min);
      if (--steps[step]!.term.uses === 0) steps.splice(step, 1);
      if (steps.length === 0) this.minima = this.minima.toSpliced(at, 1);
    }
    if (requirements.cluster !== "") {
      const { clusters } = this.clusters!;
      if (--clusters.get(requirements.cluster)!.uses === 0) clusters.delete(requirements.cluster);
    }
  }

  /**
   * The conditions of `requirements` that only hosts with certain terms meet. Empty when a host that says nothing may
   * do.
   */
  *conditions(requirements: Requirements): Generator<Condition> {
    for (const key in requirements.requiredLabels) {
      const term = this.labels.get(key)!.values.get(requirements.requiredLabels[key]!)!;
      yield { terms: [term], lookups: [term] };
    }
    for (const key of requirements.requiredTags) {
      const word = this.labels.get(key)!;
      yield { terms: word.terms(), lookups: [word] };
    }
    for (const { key, operator, values } of requirements.expressions) {
      const word = this.labels.get(key)!;
      if (operator === "Exists") yield { terms: word.terms(), lookups: [word] };
      if (operator === "In") {
        const terms = [...new Set(values)].map((value) => word.values.get(value)!);
        yield { terms, lookups: terms };
      }
    }
  }
}

/** Every label, and every value of a label, that the requirements speak of. */
function* labelMentions(requirements: Requirements): Generator<{ key: string; value: string | null }> {
  for (const key of requirements.requiredTags) yield { key, value: null };
  for (const key of requirements.preferredTags) yield { key, value: null };
  for (const key in requirements.requiredLabels) yield { key, value: requirements.requiredLabels[key]! };
  for (const key in requirements.preferredLabels) yield { key, value: requirements.preferredLabels[key]! };
  for (const { key, values } of requirements.expressions) {
    yield { key, value: null };
    for (const value of values) yield { key, value };
  }
}
