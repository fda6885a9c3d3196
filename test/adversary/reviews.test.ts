import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { ReviewDoor } from "./door.ts";
import { reviewOf } from "./reviews.ts";

/** ADVERSARY_RUNS=100000 for a long search. */
const numRuns = Number(process.env.ADVERSARY_RUNS ?? 400);

describe("a forged review", () => {
  let door: ReviewDoor;
  before(async () => {
    door = await ReviewDoor.open();
  });
  after(() => door.close());

  /** The answer is a verdict with the review's own uid, or a plain 4xx. */
  async function clearAnswer(body: string | Buffer, uid?: string) {
    const { status, text } = await door.post(body);
    if (status !== 200) {
      assert.ok(status >= 400 && status < 500, `${status} ${text}`);
      return undefined;
    }
    const { kind, apiVersion, response } = JSON.parse(text);
    assert.deepEqual([kind, apiVersion], ["AdmissionReview", "admission.k8s.io/v1"]);
    assert.equal(typeof response.allowed, "boolean");
    if (uid !== undefined) assert.equal(response.uid, uid);
    if (!response.allowed) {
      assert.ok(response.status.code >= 400 && response.status.message !== "");
      assert.equal(response.status.details?.retryAfterSeconds, undefined);
    }
    return response as { allowed: boolean; status?: { message: string } };
  }

  test("with anything in place of any of its parts gets a verdict or a 4xx", async () => {
    const path = fc.constantFrom(
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
      fc.asyncProperty(path, fc.jsonValue({ maxDepth: 3 }), async (where, value) => {
        const review = reviewOf();
        put(review, where.split("."), value);
        await clearAnswer(JSON.stringify(review));
      }),
      { numRuns },
    );
  });

  test("cut anywhere, or with any bytes changed, gets a verdict or a 4xx", async () => {
    const whole = Buffer.from(JSON.stringify(reviewOf()));
    const edit = fc.tuple(fc.nat(whole.length), fc.uint8Array({ maxLength: 4 }), fc.nat(4));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.boolean(), async (edits, cut) => {
        let body = whole;
        for (const [at, bytes, dropped] of edits)
          body = Buffer.concat([body.subarray(0, at), bytes, body.subarray(at + dropped)]);
        await clearAnswer(cut ? body.subarray(0, edits[0]![0]) : body);
      }),
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
      fc.asyncProperty(annotations, annotations, async (annotationsBefore, annotations) => {
        const uid = "with-annotations";
        assert.ok(await clearAnswer(JSON.stringify(reviewOf({ uid, annotationsBefore, annotations })), uid));
        const steal = reviewOf({ uid, before: "owner", annotationsBefore, annotations });
        assert.equal((await clearAnswer(JSON.stringify(steal), uid))?.allowed, false);
      }),
      { numRuns },
    );
  });

  test("that names a field twice is read as every JSON reader does: the last one counts", async () => {
    const steal = JSON.stringify(reviewOf({ before: "owner" }));
    const { oldObject } = reviewOf().request;
    const decoy = steal.replace('"oldObject":', `"oldObject":${JSON.stringify(oldObject)},"oldObject":`);
    assert.equal((await clearAnswer(decoy))?.allowed, false);
    const escaped = steal.replace('"consumerRef":', '"consumerRef":null,"consumer\\u0052ef":');
    assert.equal((await clearAnswer(escaped))?.allowed, false);
  });

  test("nested as deep as a body can be is refused, not followed", async () => {
    const review = reviewOf();
    const deep = JSON.stringify(review).replace('"state":"Available"', `"state":${"[".repeat(400_000)}`);
    assert.equal(await clearAnswer(deep), undefined);
    assert.equal((await clearAnswer(JSON.stringify(review)))?.allowed, true);
  });

  test("leaves nothing behind in what this replica knows", async () => {
    for (let index = 0; index < 300; index++) {
      const userInfo = { username: `user-${index}`, groups: [], extra: {} };
      await clearAnswer(JSON.stringify(reviewOf({ userInfo, after: `made-up-${index}` })));
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
