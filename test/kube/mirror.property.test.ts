import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { KubeError } from "../../src/kube/errors.ts";
import { Mirror } from "../../src/kube/mirror.ts";
import { compareResourceVersions, isOlder } from "../../src/kube/resource-version.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { FakeResource, refusal } from "./fake-resource.ts";

const name = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("put" as const), name, wanted: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("delete" as const), name }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("delay", "refresh", "deliver") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("break", "end", "silence", "compact", "bookmark", "tick", "fault"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(70_000) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function play(steps: Step[], duringLists: Step[]): Promise<void> {
  const clock = new FakeClock();
  const server = new FakeResource();
  const stop = new AbortController();
  const told = new Map<string, { version: string; present: boolean }>();
  const wrong: string[] = [];
  const mirror = new Mirror<string>({
    api: server,
    type: PHYSICAL_HOSTS,
    clock,
    log: silentLog,
    random: () => 0.5,
    pageSize: 2,
    relistMs: 100_000,
    project: (object) => (object.wanted ? object.metadata.resourceVersion! : null),
    onChange: (change) => {
      const before = told.get(change.key);
      if (change.previous !== (before?.present ? before.version : undefined)) {
        wrong.push(`${change.key} was ${change.previous}, but ${before?.version} was told`);
      }
      if (change.type === "delete") {
        told.set(change.key, { version: change.previous, present: false });
        return;
      }
      const order = before === undefined ? 1 : compareResourceVersions(change.value, before.version);
      if (order === undefined || order <= 0) wrong.push(`${change.value} told after ${before?.version}`);
      told.set(change.key, { version: change.value, present: true });
    },
  });

  const act = async (step: Step): Promise<void> => {
    if (step.do === "put") server.put(step.name, { wanted: step.wanted });
    else if (step.do === "delete") server.delete(step.name);
    else if (step.do === "break") server.breakWatches();
    else if (step.do === "end") server.endWatches();
    else if (step.do === "silence") server.silenceWatches();
    else if (step.do === "compact") server.compact();
    else if (step.do === "bookmark") server.bookmark();
    else if (step.do === "tick") server.tick();
    else if (step.do === "refresh") void mirror.refresh(stop.signal).catch(() => {});
    else if (step.do === "delay") server.delay();
    else if (step.do === "deliver") server.deliver();
    else if (step.do === "fault")
      server.faults.push(new KubeError("KUBE_TRANSPORT", "reset"), refusal(500, "InternalError"));
    else if (step.do === "wait") await clock.advance(step.ms);
  };
  const meanwhile = duringLists.filter((step) => step.do !== "wait" && step.do !== "refresh");
  server.onPage = () => {
    const next = meanwhile.shift();
    if (next !== undefined) void act(next);
  };
  mirror.start(stop.signal);
  let seen = "";
  for (const step of steps) {
    await act(step);
    await settled();
    assert.ok(!isOlder(mirror.resourceVersion, seen), `${mirror.resourceVersion} after ${seen}`);
    seen = mirror.resourceVersion;
  }
  // Time for two more lists, with what happens during them; then for the faults that these had brought to pass.
  await clock.advance(200_000);
  meanwhile.length = 0;
  server.deliver();
  await clock.advance(90_000);

  assert.deepEqual(wrong, []);
  const wanted = [...server.objects.values()].filter((object) => object.wanted);
  const expected = wanted.map(({ metadata }) => [`ns/${metadata.name}`, metadata.resourceVersion]);
  assert.deepEqual([...mirror.entries()].sort(), expected.sort());
  const present = [...told].filter(([, state]) => state.present).map(([key, { version }]) => [key, version]);
  assert.deepEqual(present.sort(), expected);
  stop.abort();
}

it("ends up with what the server has, telling each key's versions once and in order, whatever happens", async () => {
  const steps = fc.array(step, { maxLength: 40 });
  const during = fc.array(step, { maxLength: 15 });
  await fc.assert(fc.asyncProperty(steps, during, play), { numRuns: 300 });
});
