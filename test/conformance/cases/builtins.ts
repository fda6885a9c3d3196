import type { Json } from "../../controlplane/index.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";
import { MERGE } from "./patch.ts";

const core = (s: Scenario, plural: string, name = "") =>
  `/api/v1/namespaces/${s.namespace}/${plural}${name && `/${name}`}`;
const secret = (more: Json) => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "a" }, ...more });
const base64 = (text: string) => Buffer.from(text).toString("base64");

const secrets = (name: string, body: Json, change?: Json): ScenarioCase => ({
  name,
  async run(s) {
    await s.send("POST", core(s, "secrets"), { body: secret(body) });
    if (change) await s.send("PATCH", core(s, "secrets", "a"), { body: change, contentType: MERGE });
  },
});

/** The built-in types that the service keeps things in, beside Leases. */
export const builtins: ScenarioCase[] = [
  secrets("a Secret's stringData is stored as data, over it", {
    data: { a: base64("one"), b: base64("two") },
    stringData: { b: "three" },
  }),
  secrets("a Secret's data is base64", { data: { a: "not base64!" } }),
  secrets("a Secret's keys are file names", { data: { "a/b": base64("x") } }),
  secrets("a Secret's type is Opaque and does not change", { data: {} }, { type: "kubernetes.io/tls" }),
  secrets("a TLS Secret has its two keys", { type: "kubernetes.io/tls", data: { "tls.crt": base64("x") } }),
  secrets(
    "an immutable Secret keeps its data",
    { immutable: true, data: { a: base64("x") } },
    { data: { a: base64("y") } },
  ),
  {
    name: "a Secret is chosen by its type",
    async run(s) {
      await s.quietly("POST", core(s, "secrets"), { body: secret({ data: {} }) });
      for (const type of ["Opaque", "kubernetes.io/tls"]) {
        const { items } = await s.quietly("GET", `${core(s, "secrets")}?fieldSelector=type%3D${type}`);
        s.note(type, items.length);
      }
    },
  },
  {
    name: "an Event is about an object of its namespace",
    async run(s) {
      const event = (namespace: string) => ({
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: "a.1" },
        involvedObject: { apiVersion: "v1", kind: "Pod", namespace, name: "p" },
        reason: "Delegated",
        message: "said so",
        type: "Normal",
        count: 1,
        source: { component: "conformance" },
        firstTimestamp: "2026-01-02T03:04:05Z",
        lastTimestamp: "2026-01-02T03:04:05Z",
      });
      await s.send("POST", core(s, "events"), { body: event(s.namespace) });
      await s.send("POST", core(s, "events"), { body: event("elsewhere") });
    },
  },
  {
    name: "Events are chosen by their object and reason",
    async run(s) {
      const { involvedObject, ...rest } = {
        involvedObject: { kind: "Pod", namespace: s.namespace },
        apiVersion: "v1",
        kind: "Event",
        reason: "Chosen",
      };
      for (const name of ["p", "q"]) {
        const body = { ...rest, metadata: { name }, involvedObject: { ...involvedObject, name } };
        await s.quietly("POST", core(s, "events"), { body });
      }
      for (const selector of [
        "involvedObject.name=p",
        "involvedObject.kind=Pod",
        "reason=Other",
        "type=Warning",
      ]) {
        const query = `fieldSelector=${encodeURIComponent(selector)}`;
        const { items } = await s.quietly("GET", `${core(s, "events")}?${query}`);
        s.note(
          selector,
          items.map(({ metadata }: Json) => metadata.name),
        );
      }
    },
  },
  {
    name: "a service account's token lives 10 minutes at least, and needs the object that it is bound to",
    async run(s) {
      const metadata = { name: "worker" };
      const account = { apiVersion: "v1", kind: "ServiceAccount", metadata };
      await s.quietly("POST", core(s, "serviceaccounts"), { body: account });
      const request = (spec: Json) =>
        s.send("POST", core(s, "serviceaccounts", "worker/token"), {
          body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec },
        });
      await request({ expirationSeconds: 599 });
      await request({ boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "none" } });
      await s.send("POST", core(s, "serviceaccounts", "none/token"), {
        body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      });
    },
  },
];
