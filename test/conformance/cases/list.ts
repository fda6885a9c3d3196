import type { Json } from "../../controlplane/index.ts";
import { GROUP, lease, leases, widget, widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";

const COLORS = ["red", "green", "blue", "red", "green"];

/** Widgets w0 to w4 with labels n and, on the even ones, `even`. */
const given = (name: string, run: (s: Scenario) => Promise<unknown>): ScenarioCase => ({
  name,
  async run(s) {
    for (const [n, color] of COLORS.entries()) {
      const labels = { n: String(n), ...(n % 2 === 0 && { even: "" }) };
      await s.quietly("POST", widgets(s.namespace), { body: widget(`w${n}`, { color }, { labels }) });
    }
    await run(s);
  },
});

const names = (list: Json) => list.items.map((item: Json) => item.metadata.name);

/** Notes the names that each query selects, or the refusal. */
const selects = (name: string, parameter: string, values: string[]): ScenarioCase =>
  given(name, async (s) => {
    for (const value of values) {
      const query = `${parameter}=${encodeURIComponent(value)}`;
      const answer = await s.target.call("GET", `${widgets(s.namespace)}?${query}`);
      s.note(value, answer.code === 200 ? names(answer.json()) : answer.json());
    }
  });

const asks = (name: string, query: string): ScenarioCase =>
  given(name, (s) => s.send("GET", `${widgets(s.namespace)}?${query}`));

export const list: ScenarioCase[] = [
  given("a list has its items in order of their names, each with kind and version", (s) =>
    s.send("GET", widgets(s.namespace)),
  ),
  {
    name: "an empty list is a list",
    async run(s) {
      await s.send("GET", widgets(s.namespace));
      await s.send("GET", widgets("nowhere"));
    },
  },
  {
    name: "the items of a list of a built-in type carry no kind",
    async run(s) {
      await s.quietly("POST", leases(s.namespace), { body: lease("l", {}) });
      await s.send("GET", leases(s.namespace));
    },
  },
  given("limit and continue read one state, whatever is written meanwhile", async (s) => {
    const pages: Json[] = [];
    let next = "";
    do {
      const page = await s.quietly(
        "GET",
        `${widgets(s.namespace)}?limit=2&continue=${encodeURIComponent(next)}`,
      );
      pages.push({ names: names(page), left: page.metadata.remainingItemCount });
      next = page.metadata.continue ?? "";
      if (pages.length === 1) {
        await s.quietly("POST", widgets(s.namespace), { body: widget("w3a") });
        await s.quietly("DELETE", widgets(s.namespace, "w4"));
      }
    } while (next !== "");
    s.note("pages", pages);
  }),
  given("a page tells how many items are left, unless a selector is used", async (s) => {
    await s.send("GET", `${widgets(s.namespace)}?limit=4`);
    const page = await s.quietly("GET", `${widgets(s.namespace)}?limit=1&labelSelector=even`);
    s.note("with a selector", { names: names(page), left: page.metadata.remainingItemCount });
  }),
  given("a limit as large as the list gives no continue", async (s) => {
    const { metadata } = await s.quietly("GET", `${widgets(s.namespace)}?limit=5`);
    s.note("continue", metadata.continue);
  }),
  asks("a continue that is no token is a bad request", "limit=1&continue=abc"),
  asks("a negative limit", "limit=-1"),
  asks("a limit that is no number is a bad request", "limit=x"),
  given("a list across namespaces is in order of namespace and name", async (s) => {
    const other = `${s.namespace}-b`;
    s.mask(other, "NS-b");
    await s.quietly("POST", "/api/v1/namespaces", {
      body: { apiVersion: "v1", kind: "Namespace", metadata: { name: other } },
    });
    for (const namespace of [other, s.namespace]) {
      const body = widget("across", {}, { labels: { across: s.namespace } });
      await s.quietly("POST", widgets(namespace), { body });
    }
    const all = await s.quietly("GET", `/apis/${GROUP}/v1/widgets?labelSelector=across%3D${s.namespace}`);
    s.note(
      "found",
      all.items.map(({ metadata }: Json) => `${metadata.namespace}/${metadata.name}`),
    );
  }),
  selects("label selectors", "labelSelector", [
    "n=1",
    "n==1",
    "n!=1",
    "n in (1,2)",
    "n notin (1,2)",
    "even",
    "!even",
    "even=",
    "even,n!=0",
    "n>1",
    "n<2",
    "absent!=x",
    "absent notin (x)",
    "",
  ]),
  selects("label selectors that can't be read", "labelSelector", [
    "n in 1",
    "=x",
    "n=not valid!",
    "n=(",
    "a/b/c=x",
    "n>x",
    "!",
    "!=x",
  ]),
  selects("field selectors", "fieldSelector", [
    "metadata.name=w1",
    "metadata.name!=w1",
    "metadata.namespace=nowhere",
    "metadata.name=w1,metadata.name=w2",
    "spec.color=red",
    "spec.color!=red",
    "spec.color=",
  ]),
  selects("field selectors that are refused", "fieldSelector", [
    "spec.size=1",
    "status.phase=x",
    "metadata.uid=x",
    "nonsense",
  ]),
  given("a resourceVersion of 0 and an exact one are answered", async (s) => {
    const { metadata } = await s.quietly("GET", widgets(s.namespace));
    await s.quietly("DELETE", widgets(s.namespace, "w0"));
    const version = `resourceVersion=${metadata.resourceVersion}`;
    const exact = await s.quietly("GET", `${widgets(s.namespace)}?${version}&resourceVersionMatch=Exact`);
    s.note("exactly then", {
      names: names(exact),
      same: exact.metadata.resourceVersion === metadata.resourceVersion,
    });
    const since = await s.quietly(
      "GET",
      `${widgets(s.namespace)}?${version}&resourceVersionMatch=NotOlderThan`,
    );
    s.note("since then", since.items.length <= 5);
    const any = await s.quietly("GET", `${widgets(s.namespace)}?resourceVersion=0`);
    s.note("any", any.items.length <= 5);
  }),
  asks("a resourceVersionMatch needs a resourceVersion", "resourceVersionMatch=Exact"),
  asks("an exact match of version 0 is refused", "resourceVersion=0&resourceVersionMatch=Exact"),
  asks("an unknown resourceVersionMatch is refused", "resourceVersion=1&resourceVersionMatch=Near"),
  asks("a list at a resourceVersion that is no number is refused", "resourceVersion=abc"),
  {
    name: "a table has the printer columns of the definition",
    async run(s) {
      await s.quietly("POST", widgets(s.namespace), { body: widget("a", { color: "blue", size: 7 }) });
      const headers = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
      const table = await s.quietly("GET", widgets(s.namespace), { headers });
      const { object, cells } = table.rows[0];
      s.note("columns", table.columnDefinitions);
      s.note("cells but for the age", cells.slice(0, -1));
      s.note("object", object);
      await s.send("GET", `${widgets(s.namespace)}/none`, { headers });
    },
  },
  {
    name: "metadata alone is served when asked for",
    async run(s) {
      await s.quietly("POST", widgets(s.namespace), { body: widget("a") });
      const accept = (kind: string) => ({
        headers: { accept: `application/json;as=${kind};v=v1;g=meta.k8s.io` },
      });
      await s.send("GET", widgets(s.namespace, "a"), accept("PartialObjectMetadata"));
      await s.send("GET", widgets(s.namespace), accept("PartialObjectMetadataList"));
    },
  },
];

/** By themselves, one after the other: what they forget is the history of the whole server. */
export const compaction: ScenarioCase[] = [
  given("a continue token whose history is gone is Expired, and brings one for the rest", async (s) => {
    const page = await s.quietly("GET", `${widgets(s.namespace)}?limit=2`);
    await s.quietly("DELETE", widgets(s.namespace, "w4"));
    await s.target.compact();
    const next = encodeURIComponent(page.metadata.continue);
    const gone = await s.target.call("GET", `${widgets(s.namespace)}?limit=2&continue=${next}`);
    s.note("answer", { code: gone.code, ...gone.json() });
    const inconsistent = encodeURIComponent(gone.json().metadata.continue);
    const rest = await s.quietly("GET", `${widgets(s.namespace)}?continue=${inconsistent}`);
    s.note("the rest as it is now", names(rest));
  }),
  given("an exact resourceVersion whose history is gone is Expired", async (s) => {
    const { metadata } = await s.quietly("GET", widgets(s.namespace));
    await s.quietly("DELETE", widgets(s.namespace, "w4"));
    await s.target.compact();
    const query = `limit=2&resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`;
    const gone = await s.target.call("GET", `${widgets(s.namespace)}?${query}`);
    s.note("answer", { code: gone.code, ...gone.json() });
  }),
];
