/**
 * The words of a pool against a model that keeps every requirement and looks through all of them each time. A word too
 * many changes no answer of the queue, only what it costs; so these tests ask the vocabulary itself.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host, Requirements } from "../../src/claims/claim.ts";
import { NO_REQUIREMENTS } from "../../src/claims/requirements.ts";
import { type Change, type Term, Vocabulary } from "../../src/claims/vocabulary.ts";
import { aHost, randomHost, randomRequirements, SMALL } from "./generate.ts";
import { Random } from "./random.ts";
import { fitsHost } from "./reference.ts";

/** Label keys, hardware properties and "cluster", each with all that is asked about it. */
type Words = Map<string, Set<string | number>>;

const HARDWARE = { cpuCores: "minCPUCores", memoryGB: "minMemoryGB", diskGB: "minDiskGB" } as const;

function wordsOf(all: readonly Requirements[]): Words {
  const words: Words = new Map();
  const add = (word: string, ...asked: (string | number)[]) =>
    words.set(word, new Set([...(words.get(word) ?? []), ...asked]));
  for (const asked of all) {
    for (const key of [...asked.requiredTags, ...asked.preferredTags]) add(`label ${key}`);
    for (const labels of [asked.requiredLabels, asked.preferredLabels]) {
      for (const [key, value] of Object.entries(labels)) add(`label ${key}`, value);
    }
    for (const { key, values } of asked.expressions) add(`label ${key}`, ...values);
    for (const [property, min] of Object.entries(HARDWARE)) if (asked[min] > 0) add(property, asked[min]);
    if (asked.cluster !== "") add("cluster", asked.cluster);
  }
  return words;
}

/** What the host says when those are all the words there are; a reservation says something even so. */
function said(words: Words, host: Host): string {
  const says: string[] = [];
  for (const [key, value] of Object.entries(host.labels)) {
    const asked = words.get(`label ${key}`);
    if (asked) says.push(asked.has(value) ? `${key} is ${value}` : `${key} is there`);
  }
  for (const [property, have] of Object.entries(host.hardware ?? {})) {
    const asked = words.get(property);
    if (asked && have !== null) {
      says.push(`${property} ${Math.max(0, ...[...asked].map(Number).filter((min) => min <= have))}`);
    }
  }
  if (host.reservedFor !== null) {
    const { namespace, name } = host.reservedFor;
    const known = namespace === host.namespace && words.get("cluster")?.has(name);
    says.push(known ? `kept for ${name}` : "kept");
  }
  return says.sort().join();
}

/** Equal lists for equal ways of parting the hosts. */
const parting = (words: readonly string[]) => words.map((word) => words.indexOf(word));
const idsOf = (terms: readonly Term[]) => terms.map(({ id }) => id).join();

/** The terms of a host once more, looking only where the changes say that there may be something new. */
function corrected(before: readonly Term[], changes: readonly Change[], host: Host): Term[] {
  let terms = [...before];
  for (const { word, within } of changes) {
    if (within !== null && !before.includes(within)) continue;
    const term = word.termOf(host);
    terms = terms.filter((old) => old.word !== word);
    if (term !== null) terms.push(term);
  }
  return terms.sort((a, b) => a.id - b.id);
}

function checkConditions(vocabulary: Vocabulary, requirements: Requirements, hosts: readonly Host[]): void {
  const conditions = [...vocabulary.conditions(requirements)];
  const demanding = {
    ...requirements,
    expressions: requirements.expressions.filter(
      ({ operator }) => operator === "In" || operator === "Exists",
    ),
    ...{ minCPUCores: 0, minMemoryGB: 0, minDiskGB: 0 },
  };
  for (const host of hosts) {
    const terms = vocabulary.termsOf(host);
    const places = new Set([...terms, ...terms.map(({ word }) => word)]);
    const meets = conditions.map((condition) => terms.some((term) => condition.terms.includes(term)));
    const found = conditions.map(({ lookups }) => lookups.some((lookup) => places.has(lookup as Term)));
    assert.deepEqual(found, meets, "a kind is kept where exactly the hosts that meet the condition look");
    assert.equal(meets.every(Boolean), fitsHost(demanding, { ...host, reservedFor: null }), host.name);
  }
}

test("hosts are told apart by what is asked at present, and by nothing that was forgotten", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed * 7919);
    const vocabulary = new Vocabulary();
    const hosts = Array.from({ length: 40 }, () => randomHost(random, SMALL));
    const kinds: Requirements[] = [];
    for (let step = 0; step < 24; step++) {
      const before = hosts.map((host) => vocabulary.termsOf(host));
      // More comes than goes at first, and in the end everything goes.
      if (step < 12 && random.chance(0.8)) {
        const known = wordsOf(kinds);
        const requirements = randomRequirements(random, SMALL);
        const changes = vocabulary.learn(requirements);
        kinds.push(requirements);
        const news = [...wordsOf([requirements])].filter(
          ([word, asked]) => !known.has(word) || !asked.isSubsetOf(known.get(word)!),
        );
        assert.equal(
          changes.length,
          news.length,
          `seed ${seed}: nothing is looked at that says what it said`,
        );
        for (const [index, host] of hosts.entries()) {
          const terms = vocabulary.termsOf(host);
          assert.deepEqual(idsOf(corrected(before[index]!, changes, host)), idsOf(terms), `seed ${seed}`);
          for (const { word } of changes) {
            assert.equal(word.termOf(host), terms.find((term) => term.word === word) ?? null, `seed ${seed}`);
          }
        }
      } else if (kinds.length > 0) {
        vocabulary.forget(kinds.splice(random.below(kinds.length), 1)[0]!);
      }
      const words = wordsOf(kinds);
      const terms = hosts.map((host) => idsOf(vocabulary.termsOf(host)));
      assert.deepEqual(parting(terms), parting(hosts.map((host) => said(words, host))), `seed ${seed}`);
      for (const requirements of kinds) checkConditions(vocabulary, requirements, hosts);
    }
  }
});

test("requirements stay what they are in the vocabulary's own words, and are not copied without need", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed * 7919);
    const requirements = randomRequirements(random, SMALL);
    const vocabulary = new Vocabulary();
    vocabulary.learn(requirements);
    assert.deepEqual(vocabulary.inOwnWords(requirements), requirements);
    const keyless = { ...requirements, requiredTags: [], preferredTags: [], expressions: [] };
    assert.equal(vocabulary.inOwnWords(keyless), keyless);
  }
});

test("the labels of hosts are gone through only while somebody asks for one", () => {
  let reads = 0;
  const labels = new Proxy<Record<string, string>>(
    { gpu: "a100" },
    {
      ownKeys: (target) => {
        reads++;
        return Reflect.ownKeys(target);
      },
    },
  );
  const host = aHost("h1", { labels });
  const vocabulary = new Vocabulary();
  const gpu = { ...NO_REQUIREMENTS, requiredTags: ["gpu"] };
  assert.deepEqual([vocabulary.termsOf(host).length, reads], [0, 0]);
  vocabulary.learn(gpu);
  assert.deepEqual([vocabulary.termsOf(host).length, reads], [1, 1]);
  vocabulary.forget(gpu);
  assert.deepEqual([vocabulary.termsOf(host).length, reads], [0, 1]);
});
