import type { Json } from "../../controlplane/index.ts";
import { DEFINITIONS, definition, establish } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";

const SCHEMA = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };

/** A definition in a group of the scenario's own, so that no two scenarios share one. */
function own(s: Scenario, version: Json = { schema: SCHEMA }, spec: Json = {}): Json {
  return definition("things", "Thing", version, { group: `${s.namespace}.example.com`, ...spec });
}

const refused = (name: string, change: (crd: Json) => void): ScenarioCase => ({
  name,
  async run(s) {
    const crd = own(s);
    change(crd);
    await s.send("POST", DEFINITIONS, { body: crd });
  },
});

const schema = (root: Json) => ({ openAPIV3Schema: root });
const things = (s: Scenario, name = "") =>
  `/apis/${s.namespace}.example.com/v1/namespaces/${s.namespace}/things${name && `/${name}`}`;
const thing = (s: Scenario, more: Json = {}) => ({
  apiVersion: `${s.namespace}.example.com/v1`,
  kind: "Thing",
  metadata: { name: "a" },
  ...more,
});

export const definitions: ScenarioCase[] = [
  {
    name: "a definition becomes established, and says so in its conditions",
    async run(s) {
      const crd = own(s);
      await establish(s.target, crd);
      const { status, spec } = await s.quietly("GET", `${DEFINITIONS}/${crd.metadata.name}`);
      const byType = (a: Json, b: Json) => a.type.localeCompare(b.type);
      s.note("conditions", status.conditions.sort(byType));
      s.note("names", status.acceptedNames);
      s.note("stored", status.storedVersions);
      s.note("spec with defaults", spec);
    },
  },
  {
    name: "an established type is discovered, and is gone with its definition",
    async run(s) {
      const crd = own(
        s,
        { schema: SCHEMA, subresources: { status: {} } },
        {
          names: {
            plural: "things",
            singular: "thing",
            kind: "Thing",
            listKind: "ThingList",
            shortNames: ["tg"],
            categories: ["all"],
          },
        },
      );
      await establish(s.target, crd);
      await s.quietly("POST", things(s), { body: thing(s) });
      await until(s, `/apis/${s.namespace}.example.com/v1`, 200);
      await s.send("GET", `/apis/${s.namespace}.example.com/v1`);
      await s.send("GET", `/apis/${s.namespace}.example.com`);
      await s.quietly("DELETE", `${DEFINITIONS}/${crd.metadata.name}`);
      await until(s, things(s), 404);
      await s.send("GET", things(s));
      await establish(s.target, crd);
      const { items } = await s.quietly("GET", things(s));
      s.note("left of the objects", items);
    },
  },
  {
    name: "a type of the cluster is served without a namespace",
    async run(s) {
      await establish(s.target, own(s, undefined, { scope: "Cluster" }));
      const path = `/apis/${s.namespace}.example.com/v1/things`;
      await s.send("POST", path, { body: thing(s) });
      await s.send("GET", `${path}/a`);
      await s.send("GET", things(s));
    },
  },
  {
    name: "a new version is served after an update",
    async run(s) {
      const crd = own(s);
      await establish(s.target, crd);
      await s.quietly("POST", things(s), { body: thing(s, { spec: { x: 1 } }) });
      const path = `${DEFINITIONS}/${crd.metadata.name}`;
      const current = await s.quietly("GET", path);
      current.spec.versions.push({ name: "v2", served: true, storage: false, schema: SCHEMA });
      await s.quietly("PUT", path, { body: current });
      const newer = things(s, "a").replace("/v1/", "/v2/");
      await until(s, newer, 200);
      await s.send("GET", newer);
      await s.send("GET", things(s, "a"));
    },
  },
  {
    name: "a second definition of a name is AlreadyExists",
    async run(s) {
      await s.quietly("POST", DEFINITIONS, { body: own(s) });
      await s.send("POST", DEFINITIONS, { body: own(s) });
    },
  },
  refused("a definition must be named after its plural and group", (crd) => {
    crd.metadata.name = "other.example.com";
  }),
  refused("a definition needs a version", (crd) => {
    crd.spec.versions = [];
  }),
  refused("a definition needs one storage version", (crd) => {
    crd.spec.versions[0].storage = false;
  }),
  refused("a version needs a schema", (crd) => {
    delete crd.spec.versions[0].schema;
  }),
  refused("a schema must be structural", (crd) => {
    crd.spec.versions[0].schema = schema({ type: "object", properties: { spec: { properties: {} } } });
  }),
  refused("a schema's root must be an object", (crd) => {
    crd.spec.versions[0].schema = schema({ type: "string" });
  }),
  refused("a default must fit its schema", (crd) => {
    crd.spec.versions[0].schema = schema({
      type: "object",
      properties: { size: { type: "integer", default: "big" } },
    });
  }),
  refused("a validation rule must compile", (crd) => {
    crd.spec.versions[0].schema = schema({
      type: "object",
      properties: {
        size: { type: "integer" },
      },
      "x-kubernetes-validations": [{ rule: "self.none > 1" }],
    });
  }),
  refused("the scope must be one of two", (crd) => {
    crd.spec.scope = "Galaxy";
  }),
  refused("a kind is needed", (crd) => {
    delete crd.spec.names.kind;
  }),
];

/** Waits, as every client must, until the server serves what it stored. */
async function until(s: Scenario, path: string, code: number): Promise<void> {
  while ((await s.target.call("GET", path)).code !== code) {}
}
