import type { Json } from "../../controlplane/index.ts";
import { lease, leases, widget, widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";

/** A scenario that begins with an unrecorded widget "a". */
const given = (name: string, run: (s: Scenario, a: Json) => Promise<unknown>): ScenarioCase => ({
  name,
  run: async (s) => void (await run(s, await s.quietly("POST", widgets(s.namespace), { body: widget("a") }))),
});

const path = (s: Scenario) => widgets(s.namespace, "a");

export const update: ScenarioCase[] = [
  given("an update moves resourceVersion and generation", async (s, a) => {
    s.note("before", a);
    await s.send("PUT", path(s), { body: { ...a, spec: { color: "blue", size: 2 } } });
  }),
  given("an update that changes nothing changes nothing", async (s, a) => {
    s.note("before", a);
    await s.send("PUT", path(s), { body: a });
  }),
  given("an update of labels leaves the generation", (s, a) =>
    s.send("PUT", path(s), { body: { ...a, metadata: { ...a.metadata, labels: { x: "y" } } } }),
  ),
  given("a resourceVersion that has moved on is a Conflict", async (s, a) => {
    await s.quietly("PUT", path(s), { body: { ...a, spec: { color: "blue" } } });
    await s.send("PUT", path(s), { body: { ...a, spec: { color: "green" } } });
  }),
  given("a custom resource can't be updated without a resourceVersion", (s) =>
    s.send("PUT", path(s), { body: widget("a", { color: "blue" }) }),
  ),
  given("a resourceVersion that is no number is refused", (s, a) =>
    s.send("PUT", path(s), { body: { ...a, metadata: { ...a.metadata, resourceVersion: "abc" } } }),
  ),
  given("another uid is a Conflict", (s, a) => {
    const uid = "11111111-1111-1111-1111-111111111111";
    return s.send("PUT", path(s), { body: { ...a, metadata: { ...a.metadata, uid } } });
  }),
  given("a name that isn't the path's is a bad request", (s, a) =>
    s.send("PUT", path(s), { body: { ...a, metadata: { ...a.metadata, name: "b" } } }),
  ),
  given("creationTimestamp and generation can't be forged", (s, a) =>
    s.send("PUT", path(s), {
      body: {
        ...a,
        metadata: {
          ...a.metadata,
          creationTimestamp: "2001-01-01T00:00:00Z",
          generation: 77,
        },
      },
    }),
  ),
  given("deletionTimestamp can't be set by an update", (s, a) =>
    s.send("PUT", path(s), {
      body: { ...a, metadata: { ...a.metadata, deletionTimestamp: "2001-01-01T00:00:00Z" } },
    }),
  ),
  given("an update takes a dry run", async (s, a) => {
    await s.send("PUT", `${path(s)}?dryRun=All`, { body: { ...a, spec: { color: "blue" } } });
    await s.send("GET", path(s));
  }),
  given("an update that breaks the schema is Invalid", (s, a) =>
    s.send("PUT", path(s), { body: { ...a, spec: { color: "pink" } } }),
  ),
  {
    name: "what isn't there can't be updated",
    async run(s) {
      await s.send("PUT", widgets(s.namespace, "none"), { body: widget("none") });
      await s.send("PUT", widgets(s.namespace, "none"), {
        body: widget("none", {}, { resourceVersion: "1" }),
      });
    },
  },
  {
    name: "a Lease can be created by a PUT, but not updated without a resourceVersion",
    async run(s) {
      await s.send("PUT", leases(s.namespace, "l"), { body: lease("l", { holderIdentity: "a" }) });
      await s.send("PUT", leases(s.namespace, "l"), { body: lease("l", { holderIdentity: "b" }) });
    },
  },
  given("status is written at its own door only", async (s, a) => {
    const forged = { ...a, spec: { color: "blue" }, status: { phase: "Ready" } };
    const spec = await s.send("PUT", path(s), { body: forged });
    const both = { ...spec.json(), spec: { color: "green" }, status: { phase: "Ready", count: 3 } };
    await s.send("PUT", `${path(s)}/status`, { body: both });
    await s.send("GET", `${path(s)}/status`);
  }),
  given("status carries labels of its object unchanged", (s, a) =>
    s.send("PUT", `${path(s)}/status`, {
      body: { ...a, metadata: { ...a.metadata, labels: { x: "y" } }, status: { phase: "P" } },
    }),
  ),
  given("a stale status is a Conflict", async (s, a) => {
    await s.quietly("PUT", `${path(s)}/status`, { body: { ...a, status: { phase: "one" } } });
    await s.send("PUT", `${path(s)}/status`, { body: { ...a, status: { phase: "two" } } });
  }),
  given("an invalid status is Invalid", (s, a) =>
    s.send("PUT", `${path(s)}/status`, { body: { ...a, status: { count: "three" } } }),
  ),
  given("a subresource that the resource has not is not found", async (s) => {
    await s.send("GET", `${path(s)}/scale`);
    await s.send("PUT", `${path(s)}/nonsense`, { body: {} });
  }),
  {
    name: "of Lease updates that race for one resourceVersion one wins, round after round",
    async run(s) {
      let seen = await s.quietly("POST", leases(s.namespace), { body: lease("l", { holderIdentity: "0" }) });
      for (let round = 1; round <= 5; round += 1) {
        const answers = await Promise.all(
          Array.from({ length: 8 }, (_, racer) =>
            s.target.call("PUT", leases(s.namespace, "l"), {
              body: { ...seen, spec: { ...seen.spec, holderIdentity: `${round}-${racer}` } },
            }),
          ),
        );
        const codes = answers.map(({ code }) => code).sort();
        const winner = answers.find(({ code }) => code === 200)?.json();
        seen = await s.quietly("GET", leases(s.namespace, "l"));
        s.note(`round ${round}`, {
          codes,
          winnerStands: winner.spec.holderIdentity === seen.spec.holderIdentity,
        });
      }
    },
  },
  {
    name: "of creates that race for one name one wins",
    async run(s) {
      const racers = Array.from({ length: 8 }, () =>
        s.target.call("POST", leases(s.namespace), { body: lease("l", {}) }),
      );
      s.note("codes", (await Promise.all(racers)).map(({ code }) => code).sort());
    },
  },
];
