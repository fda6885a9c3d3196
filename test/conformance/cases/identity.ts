import { sleep, systemClock } from "../../../src/clock.ts";
import type { Json } from "../../controlplane/index.ts";
import { GROUP, leases, widget, widgets } from "../objects.ts";
import type { Scenario, ScenarioCase } from "../scenario.ts";
import { STRANGER } from "../target.ts";
import { MERGE } from "./patch.ts";

const AUTHENTICATION = "/apis/authentication.k8s.io/v1";
const AUTHORIZATION = "/apis/authorization.k8s.io/v1";

const review = (group: string, kind: string, spec?: Json) => ({
  body: { apiVersion: `${group}/v1`, kind, ...(spec && { spec }) },
});
const whoAmI = review("authentication.k8s.io", "SelfSubjectReview");

/** Gives a role in the scenario's namespace and waits, as every client must, until it counts. */
async function grant(s: Scenario, subject: Json, rules: Json[], probe: () => Promise<number>): Promise<void> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${s.namespace}`;
  const meta = { apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name: "granted" } };
  await s.quietly("POST", `${rbac}/roles`, { body: { ...meta, kind: "Role", rules } });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "granted" };
  await s.quietly("POST", `${rbac}/rolebindings`, {
    body: { ...meta, kind: "RoleBinding", roleRef, subjects: [subject] },
  });
  while ((await probe()) === 403) {}
}

export const identity: ScenarioCase[] = [
  {
    name: "an unknown token is Unauthorized",
    async run(s) {
      await s.send("GET", widgets(s.namespace), { token: "nonsense" });
      await s.send("GET", "/healthz", { token: "nonsense" });
      await s.send("GET", widgets(s.namespace), { token: null, headers: { authorization: "Bearer" } });
    },
  },
  {
    name: "without a token one is anonymous",
    async run(s) {
      await s.send("GET", widgets(s.namespace), { token: null });
      s.note("version", (await s.target.call("GET", "/version", { token: null })).code);
      await s.send("GET", "/readyz", { token: null });
      await s.send("GET", "/metrics", { token: null });
    },
  },
  {
    name: "a stranger is Forbidden, in the words of what was tried",
    async run(s) {
      const token = s.target.strangerToken;
      const path = widgets(s.namespace, "a");
      const body = widget("a");
      await s.send("GET", path, { token });
      await s.send("GET", widgets(s.namespace), { token });
      await s.send("GET", `/apis/${GROUP}/v1/widgets`, { token });
      await s.send("GET", `${widgets(s.namespace)}?watch=true`, { token });
      await s.send("POST", widgets(s.namespace), { token, body });
      await s.send("PUT", path, { token, body });
      await s.send("PUT", `${path}/status`, { token, body });
      await s.send("PATCH", path, { token, body: {}, contentType: MERGE });
      await s.send("DELETE", path, { token });
      await s.send("DELETE", widgets(s.namespace), { token });
      await s.send("GET", "/api/v1/namespaces/default", { token });
      await s.send("POST", "/api/v1/namespaces", { token, body: {} });
      await s.send("GET", "/metrics", { token });
      s.note("discovery", (await s.target.call("GET", "/apis", { token })).code);
    },
  },
  {
    name: "what the stranger may not do isn't told apart from what isn't there",
    run: async (s) =>
      void (await s.send("GET", `/apis/none.example.com/v1/namespaces/${s.namespace}/nones`, {
        token: s.target.strangerToken,
      })),
  },
  {
    name: "users learn who they are",
    async run(s) {
      const path = `${AUTHENTICATION}/selfsubjectreviews`;
      await s.send("POST", path, whoAmI);
      await s.send("POST", path, { ...whoAmI, token: s.target.strangerToken });
    },
  },
  {
    name: "a pod's token carries the pod's name and uid",
    async run(s) {
      const token = await s.target.podToken(s.namespace, "worker", "worker-0");
      const { status } = await s.quietly("POST", `${AUTHENTICATION}/selfsubjectreviews`, {
        ...whoAmI,
        token,
      });
      const pod = await s.quietly("GET", `/api/v1/namespaces/${s.namespace}/pods/worker-0`);
      s.note("the pod's uid", pod.metadata.uid);
      const account = await s.quietly("GET", `/api/v1/namespaces/${s.namespace}/serviceaccounts/worker`);
      s.note("the account's uid", account.metadata.uid);
      s.note("user", status.userInfo);
    },
  },
  {
    name: "a pod's token is refused once the pod is gone",
    async run(s) {
      const token = await s.target.podToken(s.namespace, "worker", "worker-1");
      const pod = `/api/v1/namespaces/${s.namespace}/pods/worker-1?gracePeriodSeconds=0`;
      await s.quietly("DELETE", pod);
      const probe = () => s.target.call("POST", `${AUTHENTICATION}/selfsubjectreviews`, { ...whoAmI, token });
      // Accepted tokens are remembered for some seconds.
      while ((await probe()).code !== 401) await sleep(systemClock, 200);
      s.note("refused", true);
    },
  },
  {
    name: "a TokenReview tells whose token it is",
    async run(s) {
      const ask = (token: string) =>
        s.send(
          "POST",
          `${AUTHENTICATION}/tokenreviews`,
          review("authentication.k8s.io", "TokenReview", { token }),
        );
      s.mask(s.target.strangerToken, "<token>");
      await ask(s.target.strangerToken);
      await ask("nonsense");
      const token = await s.target.podToken(s.namespace, "worker", "worker-0");
      s.mask(token, "<pod token>");
      await ask(token);
      await ask("");
    },
  },
  {
    name: "a SubjectAccessReview tells what somebody may",
    async run(s) {
      const attributes = { namespace: s.namespace, group: GROUP, resource: "widgets", verb: "list" };
      const ask = (spec: Json) =>
        s.send(
          "POST",
          `${AUTHORIZATION}/subjectaccessreviews`,
          review("authorization.k8s.io", "SubjectAccessReview", { resourceAttributes: attributes, ...spec }),
        );
      await ask({ user: STRANGER });
      const admin = await ask({ user: "somebody", groups: ["system:masters"] });
      s.note("allowed", admin.json().status.allowed);
      await ask({});
    },
  },
  {
    name: "a SelfSubjectAccessReview tells what oneself may",
    async run(s) {
      const resourceAttributes = { namespace: s.namespace, group: GROUP, resource: "widgets", verb: "list" };
      const path = `${AUTHORIZATION}/selfsubjectaccessreviews`;
      const extras = review("authorization.k8s.io", "SelfSubjectAccessReview", { resourceAttributes });
      const answers = [
        await s.quietly("POST", path, extras),
        await s.quietly("POST", path, { ...extras, token: s.target.strangerToken }),
      ];
      s.note(
        "allowed",
        answers.map(({ status }) => status.allowed),
      );
    },
  },
  {
    name: "a role allows its verbs on its resources, and no more",
    async run(s) {
      const token = s.target.strangerToken;
      const rules = [
        { apiGroups: [GROUP], resources: ["widgets"], verbs: ["get", "list", "create"] },
        { apiGroups: [GROUP], resources: ["widgets/status"], verbs: ["update"] },
        {
          apiGroups: ["coordination.k8s.io"],
          resources: ["leases"],
          resourceNames: ["mine"],
          verbs: ["get"],
        },
      ];
      const tries = async (method: string, path: string, body?: Json) =>
        (await s.target.call(method, path, { token, body })).code;
      const list = () => tries("GET", widgets(s.namespace));
      await grant(s, { kind: "User", name: STRANGER, apiGroup: "rbac.authorization.k8s.io" }, rules, list);
      s.note("codes", {
        list: await list(),
        create: await tries("POST", widgets(s.namespace), widget("a")),
        update: await tries("PUT", widgets(s.namespace, "a"), widget("a")),
        status: await tries("PUT", `${widgets(s.namespace, "a")}/status`, widget("a")),
        elsewhere: await tries("GET", widgets("default")),
        mine: await tries("GET", leases(s.namespace, "mine")),
        other: await tries("GET", leases(s.namespace, "other")),
        delete: await tries("DELETE", widgets(s.namespace, "a")),
      });
    },
  },
  {
    name: "a role reaches a service account and its group",
    async run(s) {
      const token = await s.target.podToken(s.namespace, "worker", "worker-0");
      const rules = [{ apiGroups: [GROUP], resources: ["*"], verbs: ["*"] }];
      const list = async () => (await s.target.call("GET", widgets(s.namespace), { token })).code;
      s.note("before", await list());
      await grant(s, { kind: "ServiceAccount", name: "worker", namespace: s.namespace }, rules, list);
      s.note("after", await list());
    },
  },
];
