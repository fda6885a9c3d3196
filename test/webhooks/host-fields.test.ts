import assert from "node:assert/strict";
import { test } from "node:test";
import { intentOf } from "../../src/coordinator/intent.ts";
import { profiles } from "../../src/hosts/profiles.ts";
import type { KubeObject } from "../../src/kube/api.ts";
import type { Selection } from "../../webhooks/json-fields.ts";
import { HOST_FIELDS, WRITTEN_FIELDS } from "../../webhooks/review.ts";
import { consumerRefOf } from "../../webhooks/verdict.ts";
import { bareMetalHost, physicalHost } from "../fixtures/objects.ts";

/** The mirror knows it better than a review does. */
const INVENTORY = ["status.inspectionReport", "status.hardware"];

const consumerRef = { kind: "Cluster", name: "c", namespace: "default" };
const HOSTS: Record<string, KubeObject> = {
  "a free PhysicalHost": physicalHost({ size: "7KB" }),
  "a claimed PhysicalHost": physicalHost({
    size: "7KB",
    consumerRef,
    annotations: { a: "b" },
    deleting: true,
  }),
  "a free BareMetalHost": bareMetalHost({ size: "7KB" }),
  "a reserved BareMetalHost": bareMetalHost({ consumerRef, labels: { a: "b" } }),
  "a BareMetalHost with an error": bareMetalHost({ errorType: "inspection error", errorMessage: "no disk" }),
};

/** The object, telling which paths are read. */
function watched(value: object, path: string, read: Set<string>): object {
  return new Proxy(value, {
    get(target, key, receiver) {
      const below: unknown = Reflect.get(target, key, receiver);
      if (typeof key === "symbol" || Array.isArray(target)) return below;
      const here = path === "" ? key : `${path}.${key}`;
      read.add(here);
      return typeof below === "object" && below !== null ? watched(below, here, read) : below;
    },
  });
}

function isSelected(path: string, selection: Selection): boolean {
  if (typeof selection === "string") return true;
  const [first = "", ...rest] = path.split(".");
  const below = Object.hasOwn(selection, first) ? selection[first]! : undefined;
  return below !== undefined && (rest.length === 0 || isSelected(rest.join("."), below));
}

const leftOut = (read: ReadonlySet<string>, selection: Selection) =>
  [...read].filter(
    (path) =>
      !isSelected(path, selection) && !INVENTORY.some((part) => path === part || path.startsWith(`${part}.`)),
  );

for (const [name, object] of Object.entries(HOSTS)) {
  test(`of ${name} in a review nothing is read that a review's reader leaves out`, () => {
    const other = { ...object, spec: { consumerRef: { ...consumerRef, name: "m" } } };
    const readBefore = new Set<string>();
    const readAfter = new Set<string>();
    for (const [from, to] of [
      [object, other],
      [other, object],
    ] as const) {
      const before = watched(from, "", readBefore) as KubeObject;
      const after = watched(to, "", readAfter) as KubeObject;
      for (const profile of profiles) {
        profile.readHost(before);
        profile.readConsumerRef(before);
        profile.transition(before, after);
      }
      intentOf(before, after);
      consumerRefOf(after);
    }
    assert.ok(readBefore.has("spec.consumerRef") && readBefore.has("metadata.uid"));
    assert.ok(readAfter.has("spec.consumerRef") && readAfter.has("metadata.annotations"));
    assert.deepEqual(leftOut(readBefore, HOST_FIELDS), []);
    assert.deepEqual(leftOut(readAfter, WRITTEN_FIELDS), []);
  });
}
