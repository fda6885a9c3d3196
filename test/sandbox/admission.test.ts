import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import {
  MUTATING_WEBHOOK_CONFIGURATIONS as MUTATING,
  VALIDATING_WEBHOOK_CONFIGURATIONS as VALIDATING,
} from "../../src/kube/types.ts";
import type { WebhookCaller } from "../../src/sandbox/admission/review.ts";
import { cluster, WIDGETS, widget } from "./cluster.ts";

interface Request {
  uid: string;
  object: KubeObject;
  userInfo: unknown;
}
type Answer = (request: Request) => object;

/** Webhooks by name; each returns the response without its uid. */
function answering(answers: Record<string, Answer>): WebhookCaller {
  return async ({ name }, review) => {
    const { request } = JSON.parse(review) as { request: Request };
    const response = { uid: request.uid, ...answers[name]!(request) };
    const body = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
    return { code: 200, body: JSON.stringify(body) };
  };
}

function configuration(kind: string, hooks: { name: string }[]): KubeObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name: "test" },
    webhooks: hooks.map((hook) => ({
      clientConfig: { url: "https://127.0.0.1/hook" },
      rules: [{ operations: ["*"], apiGroups: [WIDGETS.group], apiVersions: ["*"], resources: ["widgets"] }],
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      ...hook,
    })),
  };
}

const labelled = (key: string, value: string) => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify([{ op: "add", path: `/metadata/labels/${key}`, value }])).toString(
    "base64",
  ),
});

describe("webhooks in process", () => {
  it("asks one again, once, after a later one changed the object", async () => {
    let asked = 0;
    const callWebhook = answering({
      "first.test.example.com": () => labelled("asked", String(++asked)),
      "second.test.example.com": () => labelled("second", "yes"),
    });
    const { api } = cluster({ callWebhook });
    const hooks = [
      { name: "first.test.example.com", reinvocationPolicy: "IfNeeded" },
      { name: "second.test.example.com" },
    ];
    await api.create(MUTATING, configuration("MutatingWebhookConfiguration", hooks));
    const made = await api.create(WIDGETS, widget("a", {}, { labels: { x: "y" } }));
    assert.deepEqual(made.metadata.labels, { x: "y", asked: "2", second: "yes" });
  });

  it("fails a request whose webhook is silent when its time on the server's clock is up", async () => {
    const { api, clock } = cluster({ callWebhook: () => new Promise(() => {}) });
    const hooks = [{ name: "silent.test.example.com", timeoutSeconds: 3 }];
    await api.create(VALIDATING, configuration("ValidatingWebhookConfiguration", hooks));
    let outcome: unknown;
    api.create(WIDGETS, widget("a")).catch((error: Error) => {
      outcome = error.message;
    });
    await clock.advance(2_999);
    assert.equal(outcome, undefined);
    await clock.advance(1);
    assert.match(String(outcome), /context deadline exceeded/);
    assert.equal(clock.pending, 0);
  });

  it("starts a write again when the object changed while a webhook thought", async () => {
    const reviewed: unknown[] = [];
    let interfere: (() => Promise<unknown>) | undefined;
    const callWebhook = answering({
      "slow.test.example.com": ({ object }) => {
        reviewed.push(object.spec);
        return { allowed: true };
      },
    });
    const { api } = cluster({
      callWebhook: async (...call) => {
        const act = interfere;
        interfere = undefined;
        await act?.();
        return callWebhook(...call);
      },
    });
    await api.create(WIDGETS, widget("a"));
    const hooks = [{ name: "slow.test.example.com" }];
    await api.create(VALIDATING, configuration("ValidatingWebhookConfiguration", hooks));
    const patch = (spec: object) =>
      api.patch(WIDGETS, { namespace: "default", name: "a" }, { type: "merge", body: { spec } });
    interfere = () => patch({ size: 7 });
    const patched = await patch({ color: "red" });
    assert.deepEqual(patched.spec, { color: "red", size: 7 });
    assert.deepEqual(reviewed.at(-1), { color: "red", size: 7 });
  });

  it("does not ask about registrations", async () => {
    const { api } = cluster();
    const everything = configuration("ValidatingWebhookConfiguration", [{ name: "all.test.example.com" }]);
    const [hook] = everything.webhooks as { rules: object[] }[];
    hook!.rules = [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }];
    await api.create(VALIDATING, everything);
    await api.delete(VALIDATING, { name: "test" });
  });
});
