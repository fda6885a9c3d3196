import { randomUUID } from "node:crypto";
import { KubeConfig } from "@kubernetes/client-node";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { systemClock } from "../../src/clock.ts";
import { profiles } from "../../src/hosts/profiles.ts";
import type { KubeObject, ResourceType } from "../../src/kube/api.ts";
import { createKubeApi, type KubeClient } from "../../src/kube/client.ts";
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  NAMESPACES,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../src/kube/types.ts";
import { createLog, type Log, silentLog } from "../../src/log.ts";
import { Replica, type ReplicaEvents, type ReplicaOptions } from "../../src/replica.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { Balancer } from "../../src/sandbox/balancer.ts";
import type { DecisionRecord } from "../../webhooks/outcome.ts";
import { mutatingWebhookConfiguration, validatingWebhookConfiguration } from "../../webhooks/registration.ts";
import { startWebhookServer, type WebhookServer } from "../../webhooks/server.ts";
import { type ControlPlane, startControlPlane } from "../controlplane/index.ts";
import { sandboxCrds } from "../fixtures/crds.ts";
import { grantControllers, grantServiceRights } from "./grants.ts";
import { until } from "./until.ts";

export { until };

export const LEASE_NAMESPACE = "beskar7-system";
export const LEASE_NAME = "beskar7-claim-coordinator-leader";

/** One replica of the service in this process, with a pod's identity, reached through the rig's balancer. */
export interface RigReplica {
  readonly replica: Replica;
  readonly server: WebhookServer;
  readonly identity: string;
  readonly api: KubeClient;
  readonly decisions: DecisionRecord[];
  /** false for one that is stateless. */
  readonly watches: boolean;
  /** Ends it as SIGTERM would: the Lease is released. */
  stop(): Promise<void>;
}

/** A controller as the API server sees it: a service account's token, bound to a pod. */
export interface PodClient {
  readonly pod: string;
  readonly token: string;
  readonly api: KubeClient;
}

export type RigOptions = Parameters<typeof startControlPlane>[0] & {
  /** CustomResourceDefinitions that are there from the start; default: all that the service knows. */
  definitions?: readonly KubeObject[];
};

/** A real API server, our registration on it, and as many replicas as a test wants, with the rights of manifests/base. */
export class Rig {
  readonly plane: ControlPlane;
  readonly admin: KubeClient;
  readonly balancer: Balancer;
  /** What the replicas serve with. */
  readonly tls: { readonly key: string; readonly cert: string };
  /** The authority that the API server is told to trust. */
  readonly caPem: string;
  readonly #replicas = new Set<RigReplica>();

  private constructor(plane: ControlPlane, balancer: Balancer) {
    this.plane = plane;
    this.balancer = balancer;
    this.admin = apiFor(plane.kubeconfig({ user: "admin" }));
    const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
    const authority = createAuthority({ commonName: "rig", ...validity });
    const serving = issueServing(authority, {
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1"],
      ...validity,
    });
    this.tls = { key: serving.keyPem, cert: serving.certPem };
    this.caPem = authority.certPem;
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const { definitions = [...sandboxCrds(), claimRequestDefinition()], ...ofPlane } = options;
    const rig = new Rig(await startControlPlane(ofPlane), await Balancer.start());
    try {
      await rig.define(...definitions);
      await rig.#install();
      return rig;
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  async addReplica(pod: string, changes: Partial<ReplicaOptions> = {}): Promise<RigReplica> {
    const token = await this.plane.podToken(LEASE_NAMESPACE, "beskar7-claim-coordinator", pod);
    const api = apiFor(this.plane.kubeconfig({ token }));
    const identity = `${pod}_${randomUUID()}`;
    const decisions: DecisionRecord[] = [];
    const log = rigLog().child({ pod });
    const options: ReplicaOptions = {
      api,
      clock: systemClock,
      log,
      random: Math.random,
      profiles,
      identity,
      stands: true,
      leaseNamespace: LEASE_NAMESPACE,
      leaseName: LEASE_NAME,
      leaseDurationMs: 3_000,
      renewDeadlineMs: 2_000,
      retryPeriodMs: 500,
      relistMs: 600_000,
      holderServiceAccounts: [],
      breakGlassGroups: [],
      foreignAttemptWindowMs: 60_000,
      rejectionCode: 409,
      maxConcurrentBindings: 16,
      sign: null,
      ...changes,
      on: { ...quietEvents(decisions), ...changes.on },
    };
    const replica = new Replica(options);
    const server = await startWebhookServer(
      { host: "127.0.0.1", port: 0 },
      {
        routes: replica.routes,
        fallback: (_request, response) => void response.writeHead(404).end(),
        tls: this.tls,
        webhookTimeoutMs: 10_000,
        maxInflightReviews: 256,
        clock: systemClock,
        log,
        onFailure: (route, request, failure) =>
          replica.outcomes.fail(route === "/mutate" ? "mutate" : "validate", request, failure),
      },
    );
    const work = new AbortController();
    const end = new AbortController();
    const running = replica.run(work.signal, end.signal);
    const added: RigReplica = {
      replica,
      server,
      identity,
      api,
      decisions,
      watches: !options.stateless,
      stop: async () => {
        if (!this.#replicas.delete(added)) return;
        this.#balance();
        work.abort();
        await running;
        await server.close(2_000);
        end.abort();
        api.close();
      },
    };
    this.#replicas.add(added);
    await replica.following.whenSynced();
    this.#balance();
    return added;
  }

  get replicas(): readonly RigReplica[] {
    return [...this.#replicas];
  }

  /** Waits until the mirrors of every replica show it. One without mirrors reads when it is asked: no need to wait. */
  async known(shows: (replica: Replica) => boolean): Promise<void> {
    await until(() => [...this.#replicas].every(({ watches, replica }) => !watches || shows(replica)));
  }

  /** A client with a token that is bound to this pod; its service account is `beskar7` of the Lease's namespace. */
  async podClient(pod: string, namespace = LEASE_NAMESPACE): Promise<PodClient> {
    await grantControllers(this.plane, namespace);
    const token = await this.plane.podToken(namespace, "beskar7", pod);
    return { pod, token, api: apiFor(this.plane.kubeconfig({ token })) };
  }

  /** Reviews go to these replicas alone, over new connections. */
  route(...replicas: RigReplica[]): void {
    this.balancer.setTargets(
      replicas.map(({ server }) => server.address.port),
      { cut: true },
    );
  }

  async stop(): Promise<void> {
    for (const replica of [...this.#replicas]) await replica.stop();
    await this.balancer.stop();
    this.admin.close();
    await this.plane.stop();
  }

  /** Installs CustomResourceDefinitions; resolves when the API server serves what they define. */
  async define(...definitions: readonly KubeObject[]): Promise<void> {
    for (const definition of definitions) await this.#apply(CUSTOM_RESOURCE_DEFINITIONS, definition);
    for (const { metadata } of definitions) {
      await until(async () => {
        const crd = await this.admin.get(CUSTOM_RESOURCE_DEFINITIONS, { name: metadata.name });
        const { conditions } = (crd.status ?? {}) as {
          conditions?: { type: string; status: string }[] | null;
        };
        return (conditions ?? []).some(({ type, status }) => type === "Established" && status === "True");
      });
    }
  }

  async register(
    options: {
      failurePolicy?: "Fail" | "Ignore";
      timeoutSeconds?: number;
      caPem?: string;
      /** Default: the rig's balancer. */
      target?: { url: string };
    } = {},
  ): Promise<void> {
    const target = { url: `https://127.0.0.1:${this.balancer.port}` };
    const registration = { target, caPem: this.caPem, ...options };
    await this.#apply(MUTATING_WEBHOOK_CONFIGURATIONS, mutatingWebhookConfiguration(registration));
    await this.#apply(VALIDATING_WEBHOOK_CONFIGURATIONS, validatingWebhookConfiguration(registration));
  }

  async unregister(type: ResourceType): Promise<void> {
    await this.admin.delete(type, {
      name: mutatingWebhookConfiguration({ target: { url: "https://x" }, caPem: "" }).metadata.name,
    });
  }

  async #install(): Promise<void> {
    await this.#apply(NAMESPACES, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: LEASE_NAMESPACE },
    });
    await grantServiceRights(this.plane);
    await grantControllers(this.plane, LEASE_NAMESPACE);
    await this.register();
  }

  async #apply(type: ResourceType, object: KubeObject): Promise<void> {
    const { namespace, name } = object.metadata;
    await this.admin.patch(
      type,
      { name, ...(namespace !== undefined && { namespace }) },
      { type: "apply", body: object, force: true },
      { fieldManager: "rig" },
    );
  }

  #balance(): void {
    this.balancer.setTargets([...this.#replicas].map(({ server }) => server.address.port));
  }
}

export function apiFor(kubeconfig: string): KubeClient {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return createKubeApi({ config, version: "test" });
}

function quietEvents(decisions: DecisionRecord[]): ReplicaEvents {
  return {
    decision: (record) => void decisions.push(record),
    bindResult() {},
    bound() {},
    leader() {},
    machineProblems() {},
    holderUnmatched() {},
  };
}

function rigLog(): Log {
  return process.env.RIG_LOG ? createLog("debug", process.stderr) : silentLog;
}
