import type { Clock } from "../../src/clock.ts";
import { sandboxCrds } from "../../src/demo/crds.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import {
  MUTATING_WEBHOOK_CONFIGURATIONS,
  NAMESPACES,
  PHYSICAL_HOSTS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../src/kube/types.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import type { WebhookCaller } from "../../src/sandbox/admission/review.ts";
import { POD_NAME_EXTRA, type UserInfo } from "../../src/sandbox/auth/user.ts";
import { createSandboxApi } from "../../src/sandbox/client.ts";
import type { Core } from "../../src/sandbox/core.ts";
import { ADMIN, createCore, type SandboxCore } from "../../src/sandbox/sandbox.ts";
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from "../../webhooks/registration.ts";
import type { ActiveFaults } from "./faults.ts";
import { EPOCH_MS } from "./process.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import { StaleCache } from "./stale-cache.ts";

export const SYSTEM_NAMESPACE = "beskar7-system";
export const NAMESPACE = "default";

/** How the API server calls the replicas. */
export const TARGET = { service: { namespace: SYSTEM_NAMESPACE, name: "coordinator" } };

/** The webhook configurations as they are installed, nobody trusted yet. */
export function registrations(): [mutating: KubeObject, validating: KubeObject] {
  const options = { target: TARGET, caPem: "" };
  return [mutatingWebhookConfiguration(options), validatingWebhookConfiguration(options)];
}

const DEFINITIONS: readonly KubeObject[] = [...sandboxCrds(), claimRequestDefinition()];

/** The sandbox's API server without sockets, in virtual time, with storage that can be slow and a door that can shut. */
export class SimServer {
  readonly store: SandboxCore["store"];
  readonly #core: Core;
  readonly #sandbox: SandboxCore;
  readonly #staleCache: StaleCache;
  readonly #staleness: () => boolean;
  /** Answers nobody. */
  down = false;

  constructor(options: {
    scheduler: Scheduler;
    random: Random;
    active: ActiveFaults;
    callWebhook: WebhookCaller;
  }) {
    const { scheduler, active, callWebhook } = options;
    const clock: Clock = {
      monotonicMs: () => scheduler.nowMs,
      wallMs: () => Math.floor(EPOCH_MS + scheduler.nowMs),
      schedule: (afterMs, fire) => scheduler.after(afterMs, fire),
    };
    this.#sandbox = createCore({
      clock,
      random: options.random.fork("server").next,
      authorize: () => true,
      callWebhook,
      crds: structuredClone(DEFINITIONS) as KubeObject[],
      collectGarbage: true,
    });
    this.store = this.#sandbox.store;
    const { admission } = this.#sandbox;
    this.#staleCache = new StaleCache(this.#sandbox);
    const stale = options.random.fork("stale cache");
    this.#staleness = () => active.has("stale-cache") && active.strike("stale-cache", stale.chance(0.3));
    const random = options.random.fork("storage");
    this.#core = {
      ...this.#sandbox,
      admission: {
        mutate: (attributes, settle) => admission.mutate(attributes, settle),
        // Between the last review and storage, as etcd does when its disk is busy.
        validate: async (attributes) => {
          await admission.validate(attributes);
          if (!active.has("slow-storage") || !active.strike("slow-storage", random.chance(0.1))) return;
          const ms = random.chance(0.7) ? random.between(1, 300) : random.between(300, 30_000);
          await new Promise<void>((resolve) => scheduler.after(ms, resolve));
        },
      },
    };
  }

  async install(): Promise<void> {
    const admin = this.api(ADMIN);
    await admin.create(NAMESPACES, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: SYSTEM_NAMESPACE },
    });
    const [mutating, validating] = registrations();
    await admin.create(MUTATING_WEBHOOK_CONFIGURATIONS, mutating);
    await admin.create(VALIDATING_WEBHOOK_CONFIGURATIONS, validating);
  }

  api(user: UserInfo): KubeApi {
    const api = createSandboxApi(this.#core, user);
    return {
      ...api,
      patch: async (type, key, patch, options = {}) => {
        const { dryRun = false, subresource = "" } = options;
        if (type === PHYSICAL_HOSTS && !dryRun && subresource === "" && this.#staleness())
          await this.#staleCache.review(user, key.name, patch.body);
        return api.patch(type, key, patch, options);
      },
    };
  }

  /** Watches and lists of the past are answered 410 from now on. */
  compact(): void {
    this.store.compact();
  }

  stop(): void {
    this.#sandbox.stop();
  }
}

export { ADMIN };

/** A service account's token, bound to a pod. */
export function podUser(serviceAccount: string, pod: string): UserInfo {
  return {
    username: `system:serviceaccount:${SYSTEM_NAMESPACE}:${serviceAccount}`,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${SYSTEM_NAMESPACE}`],
    extra: { [POD_NAME_EXTRA]: [pod] },
  };
}
