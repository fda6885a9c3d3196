import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeApi, WatchEvent, WatchOptions } from "../../src/kube/api.ts";
import { isGone } from "../../src/kube/errors.ts";
import { settled } from "../support/fake-clock.ts";
import { at, cluster, WIDGETS, widget } from "./cluster.ts";

const shown = ({ type, object }: WatchEvent) =>
  type === "BOOKMARK" ? type : `${type} ${object.kind === "Status" ? object.code : object.metadata.name}`;

function watching(api: KubeApi, options: Partial<WatchOptions> = {}) {
  const events: string[] = [];
  const abort = new AbortController();
  const ended = api.watch(WIDGETS, {
    namespace: "default",
    resourceVersion: "0",
    signal: abort.signal,
    onEvent: (event) => events.push(shown(event)),
    ...options,
  });
  return { events, ended, stop: () => abort.abort() };
}

const label = (color: string | null) => ({
  type: "merge" as const,
  body: { metadata: { labels: { color } } },
});

describe("watches", () => {
  it("see an object enter and leave their selector", async () => {
    const { api } = cluster();
    const watch = watching(api, { labelSelector: "color=red" });
    await api.create(WIDGETS, widget("a"));
    await api.patch(WIDGETS, at("a"), label("red"));
    await api.patch(WIDGETS, at("a"), { type: "merge", body: { spec: { size: 2 } } });
    await api.patch(WIDGETS, at("a"), label("blue"));
    await api.patch(WIDGETS, at("a"), label(null));
    await settled();
    assert.deepEqual(watch.events, ["ADDED a", "MODIFIED a", "DELETED a"]);
  });

  it("bring bookmarks each minute and shortly before their end, then end", async () => {
    const { api, clock } = cluster();
    const watch = watching(api, { timeoutSeconds: 100 });
    await clock.advance(59_999);
    assert.deepEqual(watch.events, []);
    await clock.advance(1);
    assert.deepEqual(watch.events, ["BOOKMARK"]);
    await clock.advance(38_000);
    assert.deepEqual(watch.events, ["BOOKMARK", "BOOKMARK"]);
    await clock.advance(2_000);
    await watch.ended;
    assert.equal(clock.pending, 0);
  });

  it("miss nothing that a handler of their own events writes", async () => {
    const { api, core } = cluster();
    await api.create(WIDGETS, widget("a"));
    let echoed = false;
    const events: string[] = [];
    const onEvent = (event: WatchEvent) => {
      events.push(shown(event));
      if (!echoed) void api.create(WIDGETS, widget("echo"));
      echoed = true;
    };
    watching(api, { onEvent, resourceVersion: String(core.store.oldestRevision) });
    await settled();
    assert.deepEqual(events, ["ADDED a", "ADDED echo"]);
  });

  it("that start before the kept history are told that it is gone", async () => {
    const { api, core } = cluster();
    const watch = watching(api, { resourceVersion: String(core.store.revision - 1) });
    await watch.ended;
    assert.deepEqual(watch.events, ["ERROR 410"]);
  });

  it("leave nothing behind when they are stopped", async () => {
    const { api, clock } = cluster();
    const before = clock.pending;
    const watch = watching(api);
    await settled();
    watch.stop();
    await assert.rejects(watch.ended, { code: "KUBE_ABORTED" });
    await api.create(WIDGETS, widget("late"));
    await settled();
    assert.deepEqual(watch.events, []);
    assert.equal(clock.pending, before);
  });
});

describe("lists", () => {
  it("continue in the state they began in, until that is compacted", async () => {
    const { api, core } = cluster();
    for (const name of ["a", "b", "c"]) await api.create(WIDGETS, widget(name));
    const first = await api.list(WIDGETS, { limit: 1 });
    await api.delete(WIDGETS, at("b"));
    const next = { limit: 1, ...(first.metadata.continue ? { continue: first.metadata.continue } : {}) };
    const second = await api.list(WIDGETS, next);
    assert.equal(second.items[0]?.metadata.name, "b");
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    core.store.compact();
    await assert.rejects(api.list(WIDGETS, next), isGone);
  });
});
