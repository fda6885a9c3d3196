import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { protobufToJson } from "../../src/sandbox/protobuf.ts";

/** A field on the wire, written by the rules of protobuf.dev/programming-guides/encoding. */
type Field = Buffer;

function varint(value: bigint | number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const more = rest > 0x7fn;
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const int = (number: number, value: bigint | number): Field =>
  Buffer.concat([varint(number << 3), varint(value)]);
const bytes = (number: number, value: Buffer | string): Field => {
  const content = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(content.length), content]);
};
const message = (number: number, ...fields: Field[]): Field => bytes(number, Buffer.concat(fields));
const entry = (number: number, key: string, value: Buffer | string): Field =>
  message(number, bytes(1, key), bytes(2, value));

/** An object as Go clients send it: a magic, kind and version, and the object itself. */
function object(apiVersion: string, kind: string, ...fields: Field[]): Buffer {
  const typeMeta = message(1, bytes(1, apiVersion), bytes(2, kind));
  return Buffer.concat([Buffer.from("k8s\0"), typeMeta, message(2, ...fields)]);
}
const configMap = (...fields: Field[]) => object("v1", "ConfigMap", ...fields);

describe("an object in protobuf", () => {
  it("has its metadata, lists and maps included", () => {
    const owner = message(13, bytes(1, "Node"), bytes(3, "n1"), bytes(4, "u1"), bytes(5, "v1"), int(6, 1));
    const metadata = message(
      1,
      bytes(1, "a"),
      bytes(3, "default"),
      int(7, 3),
      message(8, int(1, 1_767_225_600)),
      int(10, 0),
      entry(11, "app", "x"),
      entry(11, "empty", ""),
      owner,
      bytes(14, "example.com/one"),
      bytes(14, "example.com/two"),
    );
    assert.deepEqual(protobufToJson(configMap(metadata)), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: "a",
        namespace: "default",
        generation: 3,
        creationTimestamp: "2026-01-01T00:00:00Z",
        deletionGracePeriodSeconds: 0,
        labels: { app: "x", empty: "" },
        ownerReferences: [{ kind: "Node", name: "n1", uid: "u1", apiVersion: "v1", controller: true }],
        finalizers: ["example.com/one", "example.com/two"],
      },
    });
  });

  it("has bytes in base64, and booleans", () => {
    const secret = object(
      "v1",
      "Secret",
      entry(2, "key", Buffer.from([0, 255])),
      bytes(3, "Opaque"),
      int(5, 0),
    );
    assert.deepEqual(protobufToJson(secret), {
      apiVersion: "v1",
      kind: "Secret",
      data: { key: "AP8=" },
      type: "Opaque",
      immutable: false,
    });
  });

  it("has times to the microsecond where they are, and negative numbers", () => {
    const spec = message(
      2,
      bytes(1, ""),
      int(2, -1),
      message(3, int(1, 1_767_225_600), int(2, 1_234_999)),
      message(4, int(1, 1_767_225_600)),
    );
    assert.deepEqual(protobufToJson(object("coordination.k8s.io/v1", "Lease", spec)), {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      spec: {
        holderIdentity: "",
        leaseDurationSeconds: -1,
        acquireTime: "2026-01-01T00:00:00.001234Z",
        renewTime: "2026-01-01T00:00:00.000000Z",
      },
    });
  });

  it("has what an access review says of its user as JSON does", () => {
    const pod = "authentication.kubernetes.io/pod-name";
    const extra = message(5, bytes(1, pod), message(2, bytes(1, "pod-a"), bytes(1, "pod-b")));
    const bare = message(5, bytes(1, "scopes"), message(2));
    const spec = message(2, message(2, bytes(1, "/metrics"), bytes(2, "get")), bytes(3, "ann"), extra, bare);
    assert.deepEqual(protobufToJson(object("authorization.k8s.io/v1", "SubjectAccessReview", spec))?.spec, {
      nonResourceAttributes: { path: "/metrics", verb: "get" },
      user: "ann",
      extra: { [pod]: ["pod-a", "pod-b"], scopes: [] },
    });
  });

  it("is read past fields that nobody knows, of whatever type", () => {
    const unknown = [
      int(99, 5),
      bytes(98, "x"),
      Buffer.concat([varint((97 << 3) | 1), Buffer.alloc(8)]),
      Buffer.concat([varint((96 << 3) | 5), Buffer.alloc(4)]),
    ];
    assert.deepEqual(protobufToJson(configMap(...unknown, entry(2, "k", "v")))?.data, { k: "v" });
  });

  it("may be empty", () => {
    const typeMeta = message(1, bytes(1, "v1"), bytes(2, "DeleteOptions"));
    const body = Buffer.concat([Buffer.from("k8s\0"), typeMeta]);
    assert.deepEqual(protobufToJson(body), { apiVersion: "v1", kind: "DeleteOptions" });
  });

  const whole = configMap(entry(2, "key", "value"));
  for (const [what, body] of Object.entries({
    "something else": Buffer.from('{"kind":"ConfigMap"}'),
    "an object of a kind that is not understood": object("v1", "Pod"),
    "an object without a kind": Buffer.concat([Buffer.from("k8s\0"), message(2)]),
    "a field of a type that protobuf has no longer": configMap(varint((2 << 3) | 3)),
    "nothing at all": Buffer.alloc(0),
  })) {
    it(`is not read from ${what}`, () => assert.equal(protobufToJson(body), undefined));
  }

  it("is not read when its end is missing, wherever that is", () => {
    for (let length = 5; length < whole.length; length++) {
      const part = protobufToJson(whole.subarray(0, length));
      // Only between two fields of the envelope can an end be taken for the end.
      if (part !== undefined)
        assert.deepEqual(part, { apiVersion: "v1", kind: "ConfigMap" }, `${length} bytes`);
    }
  });
});
