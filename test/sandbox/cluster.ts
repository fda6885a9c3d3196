import type { KubeObject, ResourceType } from "../../src/kube/api.ts";
import type { WebhookCaller } from "../../src/sandbox/admission/review.ts";
import { type ApiClientOptions, createSandboxApi } from "../../src/sandbox/client.ts";
import { ADMIN, type CoreOptions, createCore } from "../../src/sandbox/sandbox.ts";
import { FakeClock } from "../support/fake-clock.ts";

export const WIDGETS: ResourceType = {
  group: "test.example.com",
  version: "v1",
  plural: "widgets",
  kind: "Widget",
  namespaced: true,
};

const schema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: { color: { type: "string" }, size: { type: "integer", default: 1 } },
    },
    status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  },
};

export const WIDGET_DEFINITION: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.test.example.com" },
  spec: {
    group: WIDGETS.group,
    scope: "Namespaced",
    names: { plural: WIDGETS.plural, kind: WIDGETS.kind },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: schema },
      },
    ],
  },
};

export function widget(name: string, spec: object = {}, metadata: object = {}): KubeObject {
  return {
    apiVersion: "test.example.com/v1",
    kind: "Widget",
    metadata: { name, namespace: "default", ...metadata },
    spec,
  };
}

export const at = (name: string) => ({ namespace: "default", name });

/** A reproducible source of numbers. */
export function seeded(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const noWebhooks: WebhookCaller = () => Promise.reject(new Error("no webhook is expected"));

/** An API server in process, with a clock that stands still and one kind of its own. */
export function cluster(options: Partial<CoreOptions> & { client?: ApiClientOptions } = {}) {
  const clock = new FakeClock();
  const core = createCore({
    clock,
    random: seeded(),
    crds: [WIDGET_DEFINITION],
    callWebhook: noWebhooks,
    ...options,
  });
  return { clock, core, api: createSandboxApi(core, ADMIN, options.client) };
}
