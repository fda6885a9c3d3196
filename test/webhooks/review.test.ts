import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decodeReview, encodeReview } from "../../webhooks/review.ts";
import { physicalHost } from "../fixtures/objects.ts";

type Json = Record<string, unknown>;

function review(change: (request: Json, review: Json) => void = () => {}): string {
  const oldObject = physicalHost({ name: "host-1" });
  const request: Json = {
    uid: "review-1",
    operation: "UPDATE",
    resource: { group: "infrastructure.cluster.x-k8s.io", version: "v1beta1", resource: "physicalhosts" },
    name: "host-1",
    namespace: "default",
    userInfo: { username: "somebody", groups: ["g"], extra: { k: ["v"] } },
    object: oldObject,
    oldObject,
  };
  const body: Json = { kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request };
  change(request, body);
  return JSON.stringify(body);
}

const REFUSED: Record<string, { body: string; uid: string }> = {
  "no JSON": { body: "{", uid: "" },
  "no object": { body: "[]", uid: "" },
  null: { body: "null", uid: "" },
  "no request": { body: "{}", uid: "" },
  "no uid": { body: review((request) => delete request.uid), uid: "" },
  "another version": {
    body: review((_, body) => (body.apiVersion = "admission.k8s.io/v1beta1")),
    uid: "review-1",
  },
  "no oldObject, which would make a claim of a steal": {
    body: review((request) => delete request.oldObject),
    uid: "review-1",
  },
  "no object after": { body: review((request) => (request.object = null)), uid: "review-1" },
  "an object without metadata": { body: review((request) => (request.object = {})), uid: "review-1" },
  "annotations that are no texts": {
    body: review(
      (request) => (request.object = { metadata: { name: "a", uid: "b", annotations: { a: 1 } } }),
    ),
    uid: "review-1",
  },
  "no userInfo": { body: review((request) => delete request.userInfo), uid: "review-1" },
  "groups that are no list": {
    body: review((request) => (request.userInfo = { groups: "g" })),
    uid: "review-1",
  },
  "extra values that are no lists": {
    body: review((request) => (request.userInfo = { extra: { a: "b" } })),
    uid: "review-1",
  },
};

describe("an AdmissionReview", () => {
  test("is read with everything that a verdict depends on", () => {
    const decoded = decodeReview(review((request) => (request.dryRun = true)));
    assert.ok(decoded.ok);
    const { request } = decoded;
    assert.deepEqual([request.uid, request.resource, request.dryRun], ["review-1", "physicalhosts", true]);
    assert.deepEqual(request.userInfo, { username: "somebody", groups: ["g"], extra: { k: ["v"] } });
  });

  for (const [name, { body, uid }] of Object.entries(REFUSED)) {
    test(`is refused with ${name}`, () => {
      const decoded = decodeReview(body);
      assert.equal(decoded.ok, false);
      assert.ok(!decoded.ok && decoded.uid === uid && decoded.problem !== "");
    });
  }

  test("is never a reason to throw, whatever it holds", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        decodeReview(body);
      }),
    );
    const part = fc.constantFrom(
      "uid",
      "operation",
      "resource",
      "userInfo",
      "object",
      "oldObject",
      "name",
      "dryRun",
    );
    fc.assert(
      fc.property(part, fc.jsonValue(), (field, value) => {
        decodeReview(review((request) => (request[field] = value)));
      }),
    );
  });

  test("is answered with its uid, and a patch in base64", () => {
    const patch = [{ op: "add", path: "/metadata/annotations/ä", value: "1" }] as const;
    const answer = JSON.parse(encodeReview("review-1", { allowed: true, patch }));
    assert.equal(answer.response.uid, "review-1");
    assert.equal(answer.response.patchType, "JSONPatch");
    assert.deepEqual(JSON.parse(Buffer.from(answer.response.patch, "base64").toString("utf8")), patch);
  });

  test("is answered without the fields that would say nothing", () => {
    const { response } = JSON.parse(encodeReview("u", { allowed: true, patch: [], warnings: [] }));
    assert.deepEqual(response, { uid: "u", allowed: true });
  });
});
