import type { Json } from "../../controlplane/index.ts";
import { widget, widgets } from "../objects.ts";
import { configuration, configurations, type Door, register, webhook } from "../registration.ts";
import type { ScenarioCase } from "../scenario.ts";
import { allow, hooked } from "./admission.ts";

const CLAIM = { consumerRef: { kind: "Machine", name: "m", namespace: "n" } };

/** Which of these expressions, each a matchCondition of its own webhook, are true of a create and then an update. */
const conditions = (name: string, expressions: string[], more: Json = {}): ScenarioCase =>
  hooked(name, async (s, server) => {
    const hooks = expressions.map((expression, index) => {
      server.hook(`/hook-${index}`, allow);
      return webhook(s, server, `hook-${index}`, {
        matchConditions: [{ name: "only", expression }],
        ...more,
      });
    });
    await register(s, server, "validating", hooks);
    const created = await s.target.call("POST", widgets(s.namespace), {
      body: widget("a", {}, { labels: { l: "1" } }),
    });
    s.note("create", created.code === 201 ? "created" : created.json());
    if (created.code === 201) {
      const body = { ...created.json(), spec: { ...created.json().spec, ...CLAIM } };
      const updated = await s.target.call("PUT", widgets(s.namespace, "a"), { body });
      s.note("update", updated.code === 200 ? "updated" : updated.json());
    }
    for (const [index, expression] of expressions.entries()) {
      s.note(
        expression,
        server.requests(`/hook-${index}`).map(({ operation }) => operation),
      );
    }
  });

const refused = (name: string, door: Door, change: (hook: Json, config: Json) => void): ScenarioCase =>
  hooked(name, async (s, server) => {
    const hook = webhook(s, server, "hook");
    s.mask(server.caBundle, "<ca>");
    const body = configuration(door, s.namespace, [hook]);
    change(hook, body);
    await s.send("POST", configurations(door), { body });
  });

export const conditionCases: ScenarioCase[] = [
  conditions("a webhook is asked only where its conditions are true", [
    "true",
    "false",
    "request.operation == 'UPDATE'",
    "object.metadata.name == 'a'",
    "object.metadata.namespace == request.namespace",
    "oldObject != null && !has(oldObject.spec.consumerRef) && has(object.spec.consumerRef)",
    "has(object.spec.consumerRef) && has(object.spec.consumerRef.name) && object.spec.consumerRef.name != ''",
    "object.metadata.?labels['l'].orValue('none') == '1'",
    "object.?spec.?consumerRef.?name.orValue('') == 'm'",
    "request.userInfo.username == 'admin' && 'system:masters' in request.userInfo.groups",
    "request.resource.resource == 'widgets' && request.kind.kind == 'Widget'",
    "request.dryRun == true",
    "object.spec.size > 0 && object.spec.size < 2",
    "['x', 'y'].exists(v, v == object.metadata.name) || object.metadata.name.matches('^[a-b]$')",
    "object.metadata.name in ['a', 'b'] ? true : false",
  ]),
  conditions("a condition that fails to be evaluated fails the request", [
    "object.spec.consumerRef.name == 'm'",
  ]),
  conditions(
    "a condition that fails to be evaluated is passed over with failurePolicy Ignore",
    ["object.spec.consumerRef.name == 'm'", "true"],
    { failurePolicy: "Ignore" },
  ),
  hooked("one false condition outweighs one that fails", async (s, server) => {
    server.hook("/hook", allow);
    const matchConditions = [
      { name: "fails", expression: "object.spec.none.deep == 'x'" },
      { name: "false", expression: "request.operation == 'DELETE'" },
    ];
    await register(s, server, "validating", [webhook(s, server, "hook", { matchConditions })]);
    await s.send("POST", widgets(s.namespace), { body: widget("a") });
    s.note("asked", server.requests("/hook").length);
  }),
  hooked("registered webhooks come back with their defaults", async (s, server) => {
    s.mask(server.caBundle, "<ca>");
    for (const door of ["mutating", "validating"] as Door[]) {
      const { objectSelector: _, namespaceSelector: __, ...hook } = webhook(s, server, "hook");
      // Of a version that no request has.
      hook.rules[0].apiVersions = ["v0"];
      await s.send("POST", configurations(door), { body: configuration(door, s.namespace, [hook]) });
      s.defer(async () => void (await s.quietly("DELETE", configurations(door, s.namespace))));
    }
  }),
  refused("a condition must compile", "validating", (hook) => {
    hook.matchConditions = [{ name: "bad", expression: "object.spec.(" }];
  }),
  refused("a condition must be a boolean", "mutating", (hook) => {
    hook.matchConditions = [{ name: "bad", expression: "'text'" }];
  }),
  refused("a condition needs a name", "validating", (hook) => {
    hook.matchConditions = [{ expression: "true" }];
  }),
  refused("sideEffects must be None or NoneOnDryRun", "validating", (hook) => {
    hook.sideEffects = "Some";
  }),
  refused("sideEffects must be told", "validating", (hook) => {
    delete hook.sideEffects;
  }),
  refused("review versions must be told", "mutating", (hook) => {
    delete hook.admissionReviewVersions;
  }),
  refused("a review version must be one that the server speaks", "mutating", (hook) => {
    hook.admissionReviewVersions = ["v9"];
  }),
  refused("a timeout is 1 to 30 s", "validating", (hook) => {
    hook.timeoutSeconds = 31;
  }),
  refused("a URL must be https", "validating", (hook) => {
    hook.clientConfig.url = "http://127.0.0.1:1/x";
  }),
  refused("a webhook is a URL or a service", "validating", (hook) => {
    hook.clientConfig.service = { name: "s", namespace: "n" };
  }),
  refused("a webhook's name is fully qualified", "validating", (hook) => {
    hook.name = "short";
  }),
  refused("a webhook's name is unique in its configuration", "validating", (hook, config) => {
    config.webhooks.push(hook);
  }),
  refused("an operation must be known", "validating", (hook) => {
    hook.rules[0].operations = ["GUESS"];
  }),
  refused("a failurePolicy must be known", "mutating", (hook) => {
    hook.failurePolicy = "Maybe";
  }),
  refused("a caBundle must be certificates", "mutating", (hook) => {
    hook.clientConfig.caBundle = Buffer.from("nonsense").toString("base64");
  }),
];
