import { widget, widgets } from "../objects.ts";
import type { ScenarioCase } from "../scenario.ts";

const NAMESPACES = "/api/v1/namespaces";
const namespace = (name: string, metadata = {}) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, ...metadata },
});

export const namespaces: ScenarioCase[] = [
  {
    name: "a namespace is labelled with its name and is Active",
    run: async (s) => void (await s.send("GET", `${NAMESPACES}/${s.namespace}`)),
  },
  {
    name: "the namespaces of every cluster are there",
    async run(s) {
      for (const name of ["default", "kube-system", "kube-public", "kube-node-lease"]) {
        s.note(name, (await s.target.call("GET", `${NAMESPACES}/${name}`)).code);
      }
    },
  },
  {
    name: "a namespace's name must be a DNS label",
    async run(s) {
      await s.send("POST", NAMESPACES, { body: namespace("a.b") });
      await s.send("POST", NAMESPACES, { body: namespace("A") });
    },
  },
  {
    name: "a namespace that exists or doesn't",
    async run(s) {
      await s.send("POST", NAMESPACES, { body: namespace(s.namespace) });
      await s.send("GET", `${NAMESPACES}/nowhere`);
      await s.send("DELETE", `${NAMESPACES}/nowhere`);
    },
  },
  {
    name: "a deleted namespace is Terminating first, and takes nothing new",
    async run(s) {
      // A finalizer of an object holds the namespace wherever a controller would empty it.
      const metadata = { finalizers: ["conformance.beskar7.io/hold"] };
      await s.quietly("POST", widgets(s.namespace), { body: widget("held", {}, metadata) });
      const { status, metadata: left } = await s.quietly("DELETE", `${NAMESPACES}/${s.namespace}`);
      s.note("phase", [status.phase, left.deletionTimestamp]);
      await s.send("POST", widgets(s.namespace), { body: widget("late") });
      s.note("read", (await s.target.call("GET", widgets(s.namespace, "held"))).code);
    },
  },
  {
    name: "default can't be deleted",
    run: async (s) => void (await s.send("DELETE", `${NAMESPACES}/default`)),
  },
];
