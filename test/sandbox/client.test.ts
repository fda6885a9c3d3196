import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WatchEvent } from "../../src/kube/api.ts";
import { isConflict, isForbidden, isInvalid, isNotFound } from "../../src/kube/errors.ts";
import { createSandboxApi, type Leg } from "../../src/sandbox/client.ts";
import { settled } from "../support/fake-clock.ts";
import { at, cluster, WIDGETS, widget } from "./cluster.ts";

describe("the API in process", () => {
  it("answers a stale write with a Conflict", async () => {
    const { api } = cluster();
    const made = await api.create(WIDGETS, widget("a"));
    await api.update(WIDGETS, { ...made, spec: { size: 2 } });
    await assert.rejects(api.update(WIDGETS, { ...made, spec: { size: 3 } }), isConflict);
  });

  it("tells what is missing, wrong and forbidden", async () => {
    const { api, core } = cluster();
    await assert.rejects(api.get(WIDGETS, at("a")), isNotFound);
    await assert.rejects(api.create(WIDGETS, widget("a", { size: "big" })), isInvalid);
    const stranger = createSandboxApi(core, { username: "stranger", groups: [] });
    await assert.rejects(stranger.list(WIDGETS), isForbidden);
  });

  it("shares no object with its callers", async () => {
    const { api } = cluster();
    const sent = widget("a", { color: "red" });
    const made = await api.create(WIDGETS, sent);
    Object.assign(sent.spec as object, { color: "green" });
    Object.assign(made.spec as object, { color: "blue" });
    assert.deepEqual((await api.get(WIDGETS, at("a"))).spec, { color: "red", size: 1 });
  });

  it("stores nothing in a dry run", async () => {
    const { api, core } = cluster();
    const before = core.store.revision;
    await api.create(WIDGETS, widget("a"), { dryRun: true });
    assert.equal(core.store.revision, before);
  });

  it("is the same for the same seed", async () => {
    const run = async () =>
      (await cluster().api.create(WIDGETS, widget("", {}, { generateName: "w-", name: "" }))).metadata;
    assert.deepEqual(await run(), await run());
  });

  it("lets a write land whose caller has stopped waiting", async () => {
    const delays: Record<Leg, number> = { request: 10, response: 10, event: 0 };
    const { api, core, clock } = cluster({ client: { delayMs: (leg) => delays[leg] } });
    const abort = new AbortController();
    const call = api.create(WIDGETS, widget("a"), { signal: abort.signal });
    abort.abort();
    await assert.rejects(call, { code: "KUBE_ABORTED" });
    await clock.advance(20);
    assert.equal(core.store.list("widgets.test.example.com").length, 1);
  });

  it("gives up on an answer that is late, though the write has landed", async () => {
    const { api, core, clock } = cluster({ client: { delayMs: (leg) => (leg === "response" ? 500 : 0) } });
    const call = api.create(WIDGETS, widget("a"), { timeoutMs: 100 });
    const refused = assert.rejects(call, { code: "KUBE_TIMEOUT" });
    await clock.advance(100);
    await refused;
    assert.equal(core.store.list("widgets.test.example.com").length, 1);
  });

  it("delivers events in order, whatever each one's delay", async () => {
    const waits = [50, 10, 30];
    const { core, clock } = cluster();
    const plain = createSandboxApi(core, { username: "admin", groups: ["system:masters"] });
    const slow = createSandboxApi(
      core,
      { username: "admin", groups: ["system:masters"] },
      {
        delayMs: (leg) => (leg === "event" ? (waits.shift() ?? 0) : 0),
      },
    );
    const seen: unknown[] = [];
    const onEvent = ({ object }: WatchEvent) => seen.push(object.metadata.name);
    void slow.watch(WIDGETS, { resourceVersion: "0", signal: new AbortController().signal, onEvent });
    for (const name of ["a", "b", "c"]) await plain.create(WIDGETS, widget(name));
    await settled();
    assert.deepEqual(seen, []);
    await clock.advance(50);
    assert.deepEqual(seen, ["a", "b", "c"]);
  });
});
