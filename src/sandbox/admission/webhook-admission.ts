import type { Clock } from "../../clock.ts";
import type { KubeObject } from "../../kube/api.ts";
import { randomUid } from "../identifiers.ts";
import { clone, equal } from "../json.ts";
import { qualifiedNameProblems } from "../metadata.ts";
import { applyJsonPatch, JsonPatchError, type JsonPatchOperation } from "../patch/json-patch.ts";
import { inVersion } from "../reads.ts";
import type { Registry } from "../registry.ts";
import type { Resource } from "../resources/resource.ts";
import { internalError } from "../status.ts";
import type { Store } from "../store.ts";
import type { Admission, AdmissionAttributes } from "./admission.ts";
import { matchWebhook, requestFields } from "./matching.ts";
import { denial, readReview } from "./response.ts";
import type { ReviewResponse, WebhookAnswer, WebhookCaller } from "./review.ts";
import { type Webhook, type WebhookKind, webhooksOf } from "./webhook.ts";

export interface WebhookAdmissionOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: () => number;
  readonly callWebhook: WebhookCaller;
}

/** Admission by the webhooks that are registered in the store. */
export function webhookAdmission(options: WebhookAdmissionOptions): Admission {
  const { store, registry } = options;
  return {
    async mutate(attributes, settle) {
      let object = attributes.object;
      let invoked = new Set<string>();
      const again = new Set<string>();
      const run = async (webhook: Webhook) => {
        const next = await callMutating(options, webhook, { ...attributes, object }, settle);
        if (next === undefined) return;
        // Whoever was asked before this change may want to see it.
        if (!equal(next, object)) {
          for (const id of invoked) again.add(id);
          invoked = new Set();
        }
        object = next;
        if (webhook.reinvoke) invoked.add(webhook.id);
      };
      const webhooks = webhooksOf(store, "mutating");
      for (const webhook of webhooks) await run(webhook);
      const second = webhooks.filter((webhook) => again.has(webhook.id));
      for (const webhook of second) await run(webhook);
      return object ?? (attributes.oldObject as KubeObject);
    },
    async validate(attributes) {
      const calls = webhooksOf(store, "validating").flatMap((webhook) => {
        const resource = matchWebhook(store, registry, webhook, attributes);
        return resource === undefined ? [] : [callValidating(options, webhook, resource, attributes)];
      });
      const outcomes = await Promise.allSettled(calls);
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    },
  };
}

/** Undefined when the webhook is not asked or doesn't count. */
async function callMutating(
  options: WebhookAdmissionOptions,
  webhook: Webhook,
  attributes: AdmissionAttributes,
  settle: (object: KubeObject) => KubeObject,
): Promise<KubeObject | undefined> {
  const resource = matchWebhook(options.store, options.registry, webhook, attributes);
  if (resource === undefined) return undefined;
  const response = await ask(options, webhook, "mutating", resource, attributes);
  if (response === undefined) return undefined;
  const { object } = attributes;
  if (response.patch === undefined) return object;
  if (object === undefined) {
    throw internalError(
      `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, ` +
        "which is not supported for this operation",
    );
  }
  return settle(inVersion(attributes.resource, patched(inVersion(resource, object), response.patch)));
}

function patched(object: KubeObject, patch: readonly JsonPatchOperation[]): KubeObject {
  try {
    return applyJsonPatch(clone(object), patch) as KubeObject;
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    throw internalError(error.message);
  }
}

async function callValidating(
  options: WebhookAdmissionOptions,
  webhook: Webhook,
  resource: Resource,
  attributes: AdmissionAttributes,
): Promise<void> {
  await ask(options, webhook, "validating", resource, attributes);
}

/** Asks one webhook. Undefined: it failed and may be ignored. @throws ApiError when it refuses, or fails and counts */
async function ask(
  options: WebhookAdmissionOptions,
  webhook: Webhook,
  kind: WebhookKind,
  resource: Resource,
  attributes: AdmissionAttributes,
): Promise<ReviewResponse | undefined> {
  const uid = randomUid(options.random);
  let response: ReviewResponse;
  try {
    const review = JSON.stringify(reviewOf(uid, resource, attributes));
    response = readReview(await callInTime(options, webhook, review), uid, kind);
  } catch (error) {
    if (webhook.ignoreFailure) return undefined;
    throw internalError(
      `failed calling webhook ${JSON.stringify(webhook.name)}: ${(error as Error).message}`,
    );
  }
  attributes.warnings.push(...response.warnings);
  for (const [key, value] of Object.entries(response.auditAnnotations)) {
    const name = `${webhook.name}/${key}`;
    if (qualifiedNameProblems(name).length === 0) attributes.annotations[name] = value;
  }
  if (!response.allowed) throw denial(webhook.name, response.status);
  return response;
}

function reviewOf(uid: string, resource: Resource, attributes: AdmissionAttributes): unknown {
  const { object, oldObject } = attributes;
  const shown = (each: KubeObject | undefined) => (each === undefined ? null : inVersion(resource, each));
  const { options, dryRun, ...fields } = requestFields(resource, attributes);
  return {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: { uid, ...fields, object: shown(object), oldObject: shown(oldObject), dryRun, options },
  };
}

/** The call, or its failure when the webhook's time is up first: a caller that ignores the signal holds up nobody. */
function callInTime(
  { clock, callWebhook }: WebhookAdmissionOptions,
  { target }: Webhook,
  review: string,
): Promise<WebhookAnswer> {
  const abort = new AbortController();
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(new Error(`failed to call webhook: ${why}`, { cause }));
    const timer = clock.schedule(target.timeoutMs, () => {
      abort.abort();
      const { url, service, timeoutMs } = target;
      const where =
        url ?? `https://${service?.name}.${service?.namespace}.svc:${service?.port}${service?.path ?? "/"}`;
      fail(`Post "${where}?timeout=${timeoutMs / 1000}s": context deadline exceeded`);
    });
    const call = async () => callWebhook(target, review, abort.signal);
    call()
      .then(resolve, (error: Error) => fail(error.message, error))
      .finally(() => timer.cancel());
  });
}
