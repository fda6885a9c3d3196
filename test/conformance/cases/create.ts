import { GROUP, lease, leases, widget, widgets } from "../objects.ts";
import type { ScenarioCase } from "../scenario.ts";

const bad = (name: string, body: unknown, query = ""): ScenarioCase => ({
  name,
  run: async (s) => void (await s.send("POST", widgets(s.namespace) + query, { body })),
});

export const create: ScenarioCase[] = [
  {
    name: "a created object comes back with defaults, uid, generation 1 and without status",
    async run(s) {
      const body = { ...widget("a", { color: "red", unknown: 1 }), status: { phase: "Forged" } };
      await s.send("POST", widgets(s.namespace), { body });
      await s.send("GET", widgets(s.namespace, "a"));
    },
  },
  {
    name: "a second create of the same name is AlreadyExists",
    async run(s) {
      await s.quietly("POST", widgets(s.namespace), { body: widget("a") });
      await s.send("POST", widgets(s.namespace), { body: widget("a") });
    },
  },
  {
    name: "generateName gets five characters, and name wins over it",
    async run(s) {
      const body = widget("", {}, { generateName: "gen-", name: undefined });
      const made = await s.quietly("POST", widgets(s.namespace), { body });
      s.note("suffix fits", /^gen-[a-z0-9]{5}$/.test(made.metadata.name));
      s.mask(made.metadata.name, "<generated>");
      await s.send("GET", widgets(s.namespace, made.metadata.name));
      await s.send("POST", widgets(s.namespace), { body: widget("own", {}, { generateName: "gen-" }) });
    },
  },
  bad("a name is needed", { ...widget("a"), metadata: {} }),
  bad("a name must be a DNS subdomain", widget("Not_A_Name")),
  bad(
    "an object in another namespace than the path's is a bad request",
    widget("a", {}, { namespace: "other" }),
  ),
  bad("another kind than the path's is Invalid", { ...widget("a"), kind: "Gadget" }),
  bad("another version than the path's is a bad request", { ...widget("a"), apiVersion: `${GROUP}/v2` }),
  bad("an object without a kind is a bad request", { metadata: { name: "a" }, spec: {} }),
  bad(
    "a resourceVersion can't be set on create, and says so with a 500",
    widget("a", {}, { resourceVersion: "7" }),
  ),
  bad("a body that is not JSON is a bad request", "{not json"),
  bad("labels must be strings", widget("a", {}, { labels: { a: 1 } })),
  bad("label values are checked", widget("a", {}, { labels: { a: "not valid!" } })),
  bad("label keys are checked", widget("a", {}, { labels: { "a/b/c": "x" } })),
  bad("annotation keys are checked", widget("a", {}, { annotations: { "": "x" } })),
  bad("finalizers must be qualified names", widget("a", {}, { finalizers: ["unqualified!"] })),
  bad(
    "owner references must be complete",
    widget("a", {}, { ownerReferences: [{ apiVersion: "v1", kind: "Pod" }] }),
  ),
  bad(
    "only one owner can be the controller",
    widget(
      "a",
      {},
      {
        ownerReferences: ["x", "y"].map((uid) => ({
          apiVersion: "v1",
          kind: "Pod",
          name: uid,
          uid,
          controller: true,
        })),
      },
    ),
  ),
  bad(
    "unknown fields are refused by strict validation",
    widget("a", { color: "red", nope: 1 }),
    "?fieldValidation=Strict",
  ),
  bad(
    "unknown fields are warned of when asked",
    widget("a", { color: "red", nope: 1 }),
    "?fieldValidation=Warn",
  ),
  bad("an unknown fieldValidation is refused", widget("a"), "?fieldValidation=Loud"),
  bad("a dry run answers as if it had been created", widget("a"), "?dryRun=All"),
  bad("an unknown dryRun is refused", widget("a"), "?dryRun=Some"),
  {
    name: "a dry run creates nothing",
    async run(s) {
      await s.quietly("POST", `${widgets(s.namespace)}?dryRun=All`, { body: widget("a") });
      await s.send("GET", widgets(s.namespace, "a"));
    },
  },
  {
    name: "a namespace must exist",
    run: async (s) => void (await s.send("POST", widgets("nowhere"), { body: widget("a") })),
  },
  {
    name: "a body of an unknown type is an unsupported medium",
    run: async (s) =>
      void (await s.send("POST", widgets(s.namespace), {
        body: "a=b",
        contentType: "application/x-www-form-urlencoded",
      })),
  },
  {
    name: "YAML is accepted",
    run: async (s) =>
      void (await s.send("POST", widgets(s.namespace), {
        body: `apiVersion: ${GROUP}/v1\nkind: Widget\nmetadata: {name: a}\nspec:\n  color: blue\n`,
        contentType: "application/yaml",
      })),
  },
  {
    name: "YAML is that of Go, where an unquoted y is a boolean",
    run: async (s) =>
      void (await s.send("POST", widgets(s.namespace), {
        body: `apiVersion: ${GROUP}/v1\nkind: Widget\nmetadata: {name: y}\n`,
        contentType: "application/yaml",
      })),
  },
  {
    name: "server-owned metadata of the client is replaced",
    async run(s) {
      const forged = {
        uid: "11111111-1111-1111-1111-111111111111",
        creationTimestamp: "2001-01-01T00:00:00Z",
        deletionTimestamp: "2001-01-01T00:00:00Z",
        generation: 9,
        selfLink: "/here",
      };
      s.mask(forged.uid, "<forged>");
      await s.send("POST", widgets(s.namespace), { body: widget("a", {}, forged) });
    },
  },
  {
    name: "a Lease keeps microseconds and gets no generation",
    run: async (s) =>
      void (await s.send("POST", leases(s.namespace), {
        body: lease("l", {
          holderIdentity: "me",
          leaseDurationSeconds: 15,
          leaseTransitions: 0,
          acquireTime: "2026-01-02T03:04:05.678901Z",
          renewTime: "2026-01-02T03:04:05.000000Z",
        }),
      })),
  },
  {
    name: "a Lease's numbers are checked",
    run: async (s) =>
      void (await s.send("POST", leases(s.namespace), {
        body: lease("l", { leaseDurationSeconds: 0, leaseTransitions: -1 }),
      })),
  },
  {
    name: "a Lease's time must be a time",
    run: async (s) =>
      void (await s.send("POST", leases(s.namespace), { body: lease("l", { renewTime: "now" }) })),
  },
];
