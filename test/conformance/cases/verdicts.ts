import type { Json } from "../../controlplane/index.ts";
import { widget, widgets } from "../objects.ts";
import { type Door, register, webhook } from "../registration.ts";
import type { ScenarioCase } from "../scenario.ts";
import { patched, type Reply } from "../webhook-server.ts";
import { allow, hooked } from "./admission.ts";

/** What comes back for each of these answers of a webhook, at both doors; the objects are named after them. */
const replies = (name: string, table: Record<string, Reply>, more: Json = {}): ScenarioCase =>
  hooked(name, async (s, server) => {
    for (const door of ["mutating", "validating"] as Door[]) {
      server.hook(`/${door}`, (request) => {
        const [at, key] = request.name.split(".");
        return at === door ? table[key]! : { allowed: true };
      });
      await register(s, server, door, [webhook(s, server, door, more)]);
    }
    for (const door of ["mutating", "validating"]) {
      for (const key of Object.keys(table)) {
        s.note(`${door}: ${key}`, null);
        await s.send("POST", `${widgets(s.namespace)}?dryRun=All`, { body: widget(`${door}.${key}`) });
      }
    }
  });

const deny = (status?: Json, more: Json = {}): Reply => ({
  allowed: false,
  ...(status && { status }),
  ...more,
});
const review = (response: Json, more: Json = {}): Reply => ({
  http: 200,
  body: JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response, ...more }),
});

export const verdicts: ScenarioCase[] = [
  replies("a rejection reaches the client with its code, reason, message and details", {
    bare: deny(),
    message: deny({ message: "said no" }),
    reason: deny({ reason: "Delegated" }),
    both: deny({ reason: "Delegated", message: "said no" }),
    code: deny({ code: 418, message: "a teapot" }),
    conflict: deny({ code: 409, reason: "Conflict", message: "said no" }),
    forbidden: deny({ code: 403, reason: "Forbidden", message: "said no" }),
    "code-only": deny({ code: 409 }),
    "code-200": deny({ code: 200, message: "said no" }),
    "code-500": deny({ code: 500, reason: "InternalError", message: "said no" }),
    details: deny({
      code: 409,
      reason: "Conflict",
      message: "said no",
      details: {
        name: "x",
        group: "g",
        kind: "k",
        causes: [{ reason: "HostHeld", message: "m", field: "spec.f" }],
      },
    }),
    "status-success": deny({ status: "Success", code: 409, reason: "Conflict", message: "said no" }),
  }),
  replies("retryAfterSeconds becomes a header, whatever the code", {
    "409": deny({ code: 409, reason: "Conflict", message: "later", details: { retryAfterSeconds: 7 } }),
    "429": deny({
      code: 429,
      reason: "TooManyRequests",
      message: "later",
      details: { retryAfterSeconds: 7 },
    }),
    "503": deny({
      code: 503,
      reason: "ServiceUnavailable",
      message: "later",
      details: { retryAfterSeconds: 7 },
    }),
    "429-without": deny({ code: 429, reason: "TooManyRequests", message: "later" }),
  }),
  replies("warnings reach the client with either verdict", {
    allowed: { allowed: true, warnings: ["mind the gap", 'with "quotes"'] },
    denied: deny({ message: "said no" }, { warnings: ["mind the gap"] }),
    long: { allowed: true, warnings: ["x".repeat(300)] },
    lines: { allowed: true, warnings: ["first\nsecond"] },
    empty: { allowed: true, warnings: [""] },
  }),
  replies("a webhook that talks nonsense fails the request", {
    "http-500": { http: 500, body: "broken" },
    "http-404": { http: 404 },
    garbage: { http: 200, body: "{not json" },
    empty: { http: 200, body: "" },
    object: { http: 200, body: "{}" },
    "no-response": {
      http: 200,
      body: JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" }),
    },
    "other-uid": review({ uid: "other", allowed: true }),
    "other-kind": review({ uid: "x", allowed: true }, { kind: "Pod", apiVersion: "v1" }),
    "other-version": review({ uid: "x", allowed: true }, { apiVersion: "admission.k8s.io/v1beta1" }),
    "no-patch-type": { allowed: true, patch: Buffer.from("[]").toString("base64") },
    "no-patch": { allowed: true, patchType: "JSONPatch" },
    "other-patch-type": { allowed: true, patchType: "Merge", patch: Buffer.from("{}").toString("base64") },
    "bad-patch": patched([{ op: "remove", path: "/spec/none" }]),
    "patch-not-base64": { allowed: true, patchType: "JSONPatch", patch: "!!" },
  }),
  replies(
    "with failurePolicy Ignore nonsense is let pass",
    {
      "http-500": { http: 500, body: "broken" },
      garbage: { http: 200, body: "{not json" },
      "other-uid": review({ uid: "other", allowed: true }),
      "bad-patch": patched([{ op: "remove", path: "/spec/none" }]),
      denied: deny({ code: 409, reason: "Conflict", message: "said no" }),
    },
    { failurePolicy: "Ignore" },
  ),
  replies(
    "a webhook that is silent fails the request after its timeout",
    { silent: "silence" },
    { timeoutSeconds: 1 },
  ),
  replies(
    "with failurePolicy Ignore silence is let pass after the timeout",
    { silent: "silence" },
    { timeoutSeconds: 1, failurePolicy: "Ignore" },
  ),
  hooked("a webhook that is not there fails the request, or is ignored", async (s, server) => {
    const url = server.url("/gone");
    server.hook("/there", allow);
    for (const [name, failurePolicy] of [
      ["closed", "Fail"],
      ["ignored", "Ignore"],
    ] as const) {
      const objectSelector = { matchLabels: { which: name } };
      // Port 1 is nobody's.
      const clientConfig = { url: url.replace(/:\d+/, ":1"), caBundle: server.caBundle };
      const hooks = [webhook(s, server, name, { clientConfig, failurePolicy, objectSelector })];
      await register(s, server, "validating", hooks, name);
      const body = widget(name, {}, { labels: { which: name } });
      await s.send("POST", `${widgets(s.namespace)}?dryRun=All`, { body });
    }
  }),
  hooked("a certificate of another authority fails the request", async (s, server) => {
    server.hook("/hook", allow);
    const clientConfig = { url: server.url("/hook") };
    await register(s, server, "validating", [webhook(s, server, "hook", { clientConfig })]);
    await s.send("POST", widgets(s.namespace), { body: widget("a") });
  }),
  hooked("a certificate of another name fails the request", async (s, server) => {
    server.hook("/hook", allow);
    const clientConfig = {
      url: server.url("/hook").replace("127.0.0.1", "localhost"),
      caBundle: server.caBundle,
    };
    await register(s, server, "validating", [webhook(s, server, "hook", { clientConfig })]);
    const answer = await s.target.call("POST", widgets(s.namespace), { body: widget("a") });
    // The rest of the message lists the certificate's names in the words of the TLS library.
    s.note("answer", { code: answer.code, reason: answer.json().reason });
  }),
  {
    ...hooked(
      "audit annotations are logged under the webhook's name, with either verdict",
      async (s, server) => {
        server.hook("/hook", ({ name }) => ({
          allowed: name === "allowed",
          status: { code: 409, reason: "Conflict", message: "said no" },
          auditAnnotations: { reason: `for ${name}`, "not a key!": "dropped" },
        }));
        await register(s, server, "validating", [webhook(s, server, "hook")]);
        for (const name of ["allowed", "denied"]) {
          await s.target.call("POST", widgets(s.namespace), { body: widget(name) });
          const event = s.target.auditLog!(s.namespace).findLast(({ verb }) => verb === "create");
          s.note(name, { code: event.responseStatus.code, annotations: event.annotations });
        }
      },
    ),
    needs: "auditLog",
  },
  hooked(
    "a rejection names its webhook, and an update or delete is rejected as a create is",
    async (s, server) => {
      await s.quietly("POST", widgets(s.namespace), { body: widget("a") });
      server.hook("/no", () => deny({ code: 409, reason: "Conflict", message: "said no" }));
      const rules = [
        { apiGroups: ["*"], apiVersions: ["*"], resources: ["widgets", "widgets/status"], operations: ["*"] },
      ];
      await register(s, server, "validating", [webhook(s, server, "no", { rules })]);
      const path = widgets(s.namespace, "a");
      const a = await s.quietly("GET", path);
      await s.send("PUT", path, { body: { ...a, spec: { color: "blue" } } });
      await s.send("PUT", `${path}/status`, { body: { ...a, status: { phase: "P" } } });
      await s.send("DELETE", path);
      await s.send("GET", path);
    },
  ),
];
