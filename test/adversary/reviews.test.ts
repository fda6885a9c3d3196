import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { clearAnswer, reasonOf } from "./clear-answer.ts";
import { ReviewDoor } from "./door.ts";
import { reviewOf } from "./reviews.ts";

/** ADVERSARY_RUNS=100000 for a long search. */
const numRuns = Number(process.env.ADVERSARY_RUNS ?? 400);
const anyPath = fc.constantFrom("/mutate" as const, "/validate" as const);

describe("a forged review", () => {
  let door: ReviewDoor;
  before(async () => {
    door = await ReviewDoor.open();
  });
  after(() => door.close());

  test("with anything in place of any of its parts gets a verdict or a 4xx", async () => {
    const part = fc.constantFrom(
      ...[
        "kind",
        "apiVersion",
        "request",
        "request.uid",
        "request.operation",
        "request.resource",
        "request.name",
      ],
      ...["request.resource.group", "request.namespace", "request.dryRun", "request.userInfo"],
      ...["request.userInfo.extra", "request.userInfo.groups", "request.userInfo.username"],
      ...["object", "metadata", "metadata.annotations", "metadata.labels", "metadata.uid", "spec", "status"]
        .flatMap((part) => [part, part])
        .map((part, index) =>
          `request.${index % 2 ? "object" : "oldObject"}.${part}`.replace(".object.object", ".object"),
        ),
      ...["spec.consumerRef", "spec.consumerRef.name", "spec.consumerRef.namespace", "status.state"].map(
        (part) => `request.object.${part}`,
      ),
    );
    await fc.assert(
      fc.asyncProperty(anyPath, part, fc.jsonValue({ maxDepth: 3 }), async (path, where, value) => {
        const review = reviewOf();
        put(review, where.split("."), value);
        await clearAnswer(door, JSON.stringify(review), { path });
      }),
      { numRuns },
    );
  });

  test("cut anywhere, or with any bytes changed, gets a verdict or a 4xx", async () => {
    const whole = Buffer.from(JSON.stringify(reviewOf()));
    const edit = fc.tuple(fc.nat(whole.length), fc.uint8Array({ maxLength: 4 }), fc.nat(4));
    await fc.assert(
      fc.asyncProperty(
        anyPath,
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (path, edits, cut) => {
          let body = whole;
          for (const [at, bytes, dropped] of edits)
            body = Buffer.concat([body.subarray(0, at), bytes, body.subarray(at + dropped)]);
          await clearAnswer(door, cut ? body.subarray(0, edits[0]![0]) : body, { path });
        },
      ),
      { numRuns },
    );
  });

  test("with any annotations gets a verdict, and never one that gives a held host away", async () => {
    const key = fc.oneof(
      fc.constantFrom(
        ...["intent", "term", "mode", "receipt", "requester", "priority", "fence"].map(
          (key) => `claims.beskar7.io/${key}`,
        ),
        ...[
          "beskar7.io/claimed-by",
          "beskar7.io/claimed-at",
          "__proto__",
          "constructor",
          "cluster.x-k8s.io/paused",
        ],
      ),
      fc.string(),
    );
    const annotations = fc.dictionary(key, fc.oneof(fc.string(), fc.json()), { maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(anyPath, annotations, annotations, async (path, annotationsBefore, annotations) => {
        const expected = { path, uid: "with-annotations" };
        const claim = reviewOf({ uid: expected.uid, annotationsBefore, annotations });
        assert.ok(await clearAnswer(door, JSON.stringify(claim), expected));
        const steal = reviewOf({ uid: expected.uid, before: "owner", annotationsBefore, annotations });
        const verdict = await clearAnswer(door, JSON.stringify(steal), expected);
        assert.equal(verdict && reasonOf(verdict), "HostHeld");
      }),
      { numRuns },
    );
  });

  test("that names a field twice is read as every JSON reader does: the last one counts", async () => {
    const steal = JSON.stringify(reviewOf({ before: "owner" }));
    const { oldObject } = reviewOf().request;
    const decoy = steal.replace('"oldObject":', `"oldObject":${JSON.stringify(oldObject)},"oldObject":`);
    assert.equal((await clearAnswer(door, decoy))?.allowed, false);
    const escaped = steal.replace('"consumerRef":', '"consumerRef":null,"consumer\\u0052ef":');
    assert.equal((await clearAnswer(door, escaped))?.allowed, false);
  });

  test("nested as deep as a body can be is refused, not followed", async () => {
    const review = reviewOf();
    const deep = JSON.stringify(review).replace('"state":"Available"', `"state":${"[".repeat(400_000)}`);
    assert.equal(await clearAnswer(door, deep), undefined);
    assert.equal((await clearAnswer(door, JSON.stringify(review)))?.allowed, true);
  });

  test("leaves nothing behind in what this replica knows", async () => {
    for (let index = 0; index < 300; index++) {
      const userInfo = { username: `user-${index}`, groups: [], extra: {} };
      await clearAnswer(door, JSON.stringify(reviewOf({ userInfo, after: `made-up-${index}` })));
    }
    assert.deepEqual([...door.world.consumers()], []);
  });
});

function put(target: Record<string, unknown>, [key = "", ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  target[key] ??= {};
  put(target[key] as Record<string, unknown>, rest, value);
}
