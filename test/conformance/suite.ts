import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { GROUPS } from "./cases/index.ts";
import { SAMPLE_DEFINITION } from "./cases/schema.ts";
import { DIFFERENCES } from "./differences.ts";
import { Golden, type Step } from "./golden.ts";
import { establish, WIDGET_DEFINITION } from "./objects.ts";
import { Scenario, type ScenarioCase } from "./scenario.ts";
import type { Target } from "./target.ts";

/** Scenarios have namespaces of their own, so several can talk to the server at once. */
const AT_ONCE = 6;

/** A scenario waits for what a server must do sooner or later; one that still waits now found a server that doesn't. */
const TIMEOUT_MS = 60_000;

export interface SuiteOptions {
  start(): Promise<Target>;
  /** What is heard is the truth: compare it with the golden files, or write them with RECORD=1. */
  readonly truth: boolean;
}

/** Registers the whole suite with the test runner. */
export function conformance(server: string, options: SuiteOptions): void {
  const record = options.truth && process.env.RECORD === "1";
  describe(`conformance of ${server}`, () => {
    let target: Target;
    before(async () => {
      target = await options.start();
      await establish(target, WIDGET_DEFINITION);
      await establish(target, SAMPLE_DEFINITION);
    });
    after(() => target?.stop());

    for (const [group, cases] of Object.entries(GROUPS)) {
      const golden = new Golden(group);
      describe(group, { concurrency: AT_ONCE }, () => {
        cases.forEach((scenario, index) => {
          const difference = options.truth ? undefined : DIFFERENCES[scenario.name];
          test(scenario.name, { timeout: TIMEOUT_MS }, async (t) => {
            if (scenario.needs && !target[scenario.needs]) return t.skip(`no ${scenario.needs}`);
            const steps = await play(target, scenario, `${group}-${index}`);
            if (record) return golden.record(scenario.name, steps);
            const expected = golden.expected(scenario.name);
            if (difference === undefined) return agree(steps, expected);
            assert.notDeepEqual(steps, expected, "no difference any more: strike it from the list");
          });
        });
        if (record) after(() => golden.write(cases.map(({ name }) => name)));
      });
    }
  });
}

/** Step by step, so that a failure shows the first that differs and not the whole conversation. */
function agree(steps: readonly Step[], expected: readonly Step[] | undefined): void {
  assert.ok(expected, "never recorded: run apiserver.test.ts with RECORD=1");
  for (const [index, step] of steps.entries()) assert.deepEqual(step, expected[index]);
  assert.equal(steps.length, expected.length);
}

async function play(target: Target, scenario: ScenarioCase, namespace: string): Promise<Step[]> {
  await target.call("POST", "/api/v1/namespaces", {
    body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
  });
  const s = new Scenario(target, namespace);
  try {
    await scenario.run(s);
  } finally {
    await s.end();
  }
  // As the golden file has it: without what JSON doesn't know.
  return JSON.parse(JSON.stringify(s.steps)) as Step[];
}
