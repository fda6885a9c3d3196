import type { Json } from "../../controlplane/index.ts";
import { GROUP, widget, widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";

const MANIFEST = `apiVersion: ${GROUP}/v1
kind: Widget
metadata:
  name: a
  labels:
    team: x
spec:
  color: red
  size: 5
  tags: [one, two]
`;

const kubectl = (name: string, run: (s: Scenario) => Promise<unknown>): ScenarioCase => ({
  name: `kubectl: ${name}`,
  needs: "kubectl",
  run: async (s) => void (await run(s)),
});

/** Begins with widget "a" of MANIFEST, created and not applied. */
const given = (name: string, run: (s: Scenario) => Promise<unknown>): ScenarioCase =>
  kubectl(name, async (s) => {
    const spec = { color: "red", size: 5, tags: ["one", "two"] };
    await s.quietly("POST", widgets(s.namespace), { body: widget("a", spec, { labels: { team: "x" } }) });
    await run(s);
  });

export const kubectlCases: ScenarioCase[] = [
  given("get prints the columns of the definition", async (s) => {
    await s.kubectl(["get", "widgets"]);
    await s.kubectl(["get", "widget", "a", "-o", "wide"]);
    await s.kubectl(["get", "widgets.v1.conformance.beskar7.io", "--show-labels"]);
    await s.kubectl(["get", "widgets", "-o", "name"]);
    await s.kubectl(["get", "widgets", "-o", "jsonpath={.items[*].spec.color}"]);
    await s.kubectl(["get", "widgets", "-o", "custom-columns=N:.metadata.name,S:.spec.size"]);
    await s.kubectl(["get", "widgets", "--sort-by=.spec.size"]);
  }),
  kubectl("get of nothing", async (s) => {
    await s.kubectl(["get", "widgets"]);
    await s.kubectl(["get", "widgets", "none"]);
    await s.kubectl(["get", "nonsense"]);
  }),
  given("get -o yaml and -o json print the object", async (s) => {
    const { metadata } = await s.quietly("GET", widgets(s.namespace, "a"));
    s.mask(`resourceVersion: "${metadata.resourceVersion}"`, 'resourceVersion: "<rv>"');
    await s.kubectl(["get", "widget", "a", "-o", "yaml"]);
    const { stdout } = await s.target.kubectl!(["get", "widget", "a", "-n", s.namespace, "-o", "json"]);
    s.note("json", JSON.parse(stdout));
  }),
  given("get -l and --field-selector choose", async (s) => {
    await s.kubectl(["get", "widgets", "-l", "team=x", "-o", "name"]);
    await s.kubectl(["get", "widgets", "-l", "team!=x", "-o", "name"]);
    await s.kubectl(["get", "widgets", "--field-selector", "spec.color=red", "-o", "name"]);
    await s.kubectl(["get", "widgets", "--field-selector", "metadata.name=b", "-o", "name"]);
    await s.kubectl(["get", "widgets", "--chunk-size=1", "-o", "name"]);
  }),
  given("describe tells the object", async (s) => {
    const { metadata } = await s.quietly("GET", widgets(s.namespace, "a"));
    s.mask(`Resource Version:  ${metadata.resourceVersion}`, "Resource Version:  <rv>");
    await s.kubectl(["describe", "widget", "a"]);
  }),
  kubectl("apply creates, leaves alone and configures", async (s) => {
    await s.kubectl(["apply", "-f", "-"], { input: MANIFEST });
    await s.kubectl(["apply", "-f", "-"], { input: MANIFEST });
    await s.kubectl(["apply", "-f", "-"], {
      input: MANIFEST.replace("size: 5", "size: 6").replace("    team: x\n", "    crew: z\n"),
    });
    const { metadata, spec } = await s.quietly("GET", widgets(s.namespace, "a"));
    s.note("result", { labels: metadata.labels, spec });
  }),
  kubectl("apply of an invalid object tells what is wrong", async (s) => {
    await s.kubectl(["apply", "-f", "-"], { input: MANIFEST.replace("red", "pink") });
    await s.kubectl(["apply", "-f", "-"], { input: MANIFEST.replace("size:", "sizes:") });
    await s.kubectl(["apply", "-f", "-"], { input: MANIFEST.replace("kind: Widget", "kind: Gadget") });
    await s.kubectl(["apply", "--dry-run=server", "-f", "-"], { input: MANIFEST });
    await s.kubectl(["apply", "--dry-run=client", "-f", "-"], { input: MANIFEST });
    await s.kubectl(["get", "widgets"]);
  }),
  kubectl("apply --server-side applies, and names conflicts", async (s) => {
    const apply = (manager: string, input: string, ...more: string[]) =>
      s.kubectl(["apply", "--server-side", `--field-manager=${manager}`, ...more, "-f", "-"], { input });
    await apply("one", MANIFEST);
    await apply("one", MANIFEST);
    await apply("two", MANIFEST.replace("red", "blue"));
    await apply("two", MANIFEST.replace("red", "blue"), "--force-conflicts");
    const { spec } = await s.quietly("GET", widgets(s.namespace, "a"));
    s.note("result", spec);
  }),
  kubectl("create, replace and edit by label", async (s) => {
    await s.kubectl(["create", "-f", "-"], { input: MANIFEST });
    await s.kubectl(["create", "-f", "-"], { input: MANIFEST });
    await s.kubectl(["replace", "-f", "-"], { input: MANIFEST.replace("red", "green") });
    await s.kubectl(["label", "widget", "a", "more=1"]);
    await s.kubectl(["label", "widget", "a", "more=2"]);
    await s.kubectl(["annotate", "widget", "a", "note=x"]);
  }),
  given("patch of three types", async (s) => {
    await s.kubectl(["patch", "widget", "a", "--type=merge", "-p", '{"spec":{"color":"blue"}}']);
    await s.kubectl(["patch", "widget", "a", "--type=merge", "-p", '{"spec":{"color":"blue"}}']);
    await s.kubectl(["patch", "widget", "a", "--type=json", "-p", '[{"op":"remove","path":"/spec/tags"}]']);
    await s.kubectl(["patch", "widget", "a", "-p", "{}"]);
    await s.kubectl([
      "patch",
      "widget",
      "a",
      "--subresource=status",
      "--type=merge",
      "-p",
      '{"status":{"phase":"P"}}',
    ]);
    const { spec, status } = await s.quietly("GET", widgets(s.namespace, "a"));
    s.note("result", { spec, status });
  }),
  given("delete waits until it is gone", async (s) => {
    await s.kubectl(["delete", "widget", "a"]);
    await s.kubectl(["delete", "widget", "a"]);
    await s.kubectl(["delete", "widget", "a", "--ignore-not-found"]);
  }),
  given("delete of a held object waits for its finalizer", async (s) => {
    const path = widgets(s.namespace, "a");
    const set = (finalizers: string[] | null) =>
      s.quietly("PATCH", path, {
        body: { metadata: { finalizers } },
        contentType: "application/merge-patch+json",
      });
    await set(["conformance.beskar7.io/hold"]);
    const { metadata } = await s.quietly("GET", path);
    const watch = await s.watch(
      `${widgets(s.namespace)}?watch=true&resourceVersion=${metadata.resourceVersion}`,
    );
    const deleted = s.kubectl(["delete", "widget", "a"]);
    await watch.takeUntil(({ object }) => object.metadata.deletionTimestamp !== undefined);
    await set(null);
    await deleted;
  }),
  given("wait sees a condition come", async (s) => {
    const path = `${widgets(s.namespace, "a")}/status`;
    const waiting = s.kubectl(["wait", "widget/a", "--for=jsonpath={.status.phase}=Ready", "--timeout=20s"]);
    await s.quietly("PATCH", path, {
      body: { status: { phase: "Ready" } },
      contentType: "application/merge-patch+json",
    });
    await waiting;
    await s.kubectl(["wait", "widget/a", "--for=jsonpath={.status.phase}=Never", "--timeout=1s"]);
  }),
  given("get --watch prints changes as they come", async (s) => {
    const end = new AbortController();
    const lines: string[] = [];
    const color = (name: string) =>
      s.quietly("PATCH", widgets(s.namespace, "a"), {
        body: { spec: { color: name } },
        contentType: "application/merge-patch+json",
      });
    // Each change is made when the one before it was printed.
    const steps = [
      () => color("blue"),
      () => color("green"),
      () => s.quietly("DELETE", widgets(s.namespace, "a")),
      () => end.abort(),
    ];
    const args = [
      "get",
      "widgets",
      "--watch",
      "--output-watch-events",
      "-o",
      "custom-columns=E:.type,N:.object.metadata.name,C:.object.spec.color",
    ];
    await s.target.kubectl!([`--namespace=${s.namespace}`, ...args, "--no-headers"], {
      signal: end.signal,
      onLine(line) {
        lines.push(line.replace(/ +/g, " ").trim());
        void steps.shift()?.();
      },
    });
    s.note("printed", lines);
  }),
  kubectl("explain tells the schema", async (s) => {
    await s.kubectl(["explain", "widget"]);
    await s.kubectl(["explain", "widget.spec.color"]);
    await s.kubectl(["explain", "widget.spec", "--recursive"]);
  }),
  kubectl("api-resources lists the group", (s) => s.kubectl(["api-resources", `--api-group=${GROUP}`])),
  kubectl("auth can-i and whoami", async (s) => {
    await s.kubectl(["auth", "can-i", "create", "widgets"]);
    await s.kubectl(["auth", "can-i", "create", "widgets", "--as=nobody"]);
    await s.kubectl(["auth", "whoami"]);
  }),
  kubectl("create token is bound to a pod", async (s) => {
    await s.target.podToken(s.namespace, "worker", "worker-0");
    const bound = ["--bound-object-kind=Pod", "--bound-object-name=worker-0"];
    const { stdout, code } = await s.target.kubectl!([
      "-n",
      s.namespace,
      "create",
      "token",
      "worker",
      ...bound,
    ]);
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    const answer: Json = await s.quietly("POST", path, { body: review, token: stdout.trim() });
    s.note("token", { code, pod: answer.status.userInfo.extra["authentication.kubernetes.io/pod-name"] });
  }),
  kubectl("create namespace, and what is in it", async (s) => {
    const name = `${s.namespace}-made`;
    await s.kubectl(["create", "namespace", name]);
    await s.kubectl(["get", "namespace", name]);
    await s.kubectl(["get", "leases"]);
  }),
];
