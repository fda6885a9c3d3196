import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { KubeObject } from "../../src/kube/api.ts";
import { type Change, CompactedError, Store } from "../../src/sandbox/store.ts";

const THINGS = "things.example.com";

const thing = (name: string, value = 0): KubeObject => ({ metadata: { name, namespace: "a" }, value });

describe("the store", () => {
  it("counts every write of every resource with one counter", () => {
    const store = new Store();
    store.put(THINGS, "a/x", thing("x"), undefined);
    const other = store.put("others", "a/x", thing("x"), undefined);
    assert.equal(other?.metadata.resourceVersion, "2");
    assert.equal(store.revision, 2);
  });

  it("stores only over exactly what the writer has seen", () => {
    const store = new Store();
    const first = store.put(THINGS, "a/x", thing("x", 1), undefined);
    assert.equal(store.put(THINGS, "a/x", thing("x", 2), undefined), undefined);
    const second = store.put(THINGS, "a/x", thing("x", 3), first);
    assert.equal(store.put(THINGS, "a/x", thing("x", 4), first), undefined);
    assert.equal(store.remove(THINGS, "a/x", first!), false);
    assert.equal(store.get(THINGS, "a/x"), second);
  });

  it("lists by namespace, then name, and one namespace alone", () => {
    const store = new Store();
    for (const key of ["b/a", "a/c", "a/b"]) {
      const [namespace = "", name = ""] = key.split("/");
      store.put(THINGS, key, { metadata: { name, namespace } }, undefined);
    }
    const names = (namespace?: string) =>
      store.list(THINGS, namespace).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    assert.deepEqual(names(), ["a/b", "a/c", "b/a"]);
    assert.deepEqual(names("a"), ["a/b", "a/c"]);
  });

  it("reports a deletion with its own revision and what was deleted", () => {
    const store = new Store();
    const changes: Change[] = [];
    store.subscribe(THINGS, (change) => changes.push(change));
    const stored = store.put(THINGS, "a/x", thing("x", 7), undefined)!;
    store.remove(THINGS, "a/x", stored);
    const last = changes[1]!;
    assert.equal(last.type, "DELETED");
    assert.equal(last.object.metadata.resourceVersion, "2");
    assert.equal(last.object.value, 7);
    assert.equal(stored.metadata.resourceVersion, "1");
  });

  it("forgets its oldest changes beyond the limit, and says from where on it knows", () => {
    const store = new Store(10);
    let last: KubeObject | undefined;
    for (let value = 0; value < 50; value++) last = store.put(THINGS, "a/x", thing("x", value), last);
    assert.throws(() => store.changesSince(1, THINGS), CompactedError);
    assert.ok(store.oldestRevision >= 30);
    assert.equal(store.changesSince(store.oldestRevision, THINGS)[0]?.revision, store.oldestRevision + 1);
  });

  it("shows any past state that was not compacted", () => {
    const write = fc.record({ name: fc.constantFrom("p", "q", "r"), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 40 }), (writes) => {
        const store = new Store();
        const snapshots = new Map<number, unknown>();
        for (const [value, { name, remove }] of writes.entries()) {
          const current = store.get(THINGS, name);
          if (remove && current) store.remove(THINGS, name, current);
          else store.put(THINGS, name, thing(name, value), current);
          snapshots.set(store.revision, store.list(THINGS));
        }
        for (const [revision, snapshot] of snapshots) {
          assert.deepEqual(store.listAt(revision, THINGS), snapshot);
        }
      }),
    );
  });
});
