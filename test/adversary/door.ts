import { Agent, request } from "node:https";
import { Registry } from "prom-client";
import { createAuthority, issueServing } from "../../certs/x509.ts";
import { systemClock } from "../../src/clock.ts";
import { Bindings } from "../../src/coordinator/binding.ts";
import { Holder } from "../../src/coordinator/holder.ts";
import { Recorder } from "../../src/coordinator/recorder.ts";
import { profileForKind } from "../../src/hosts/profiles.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { type Log, silentLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createMutate } from "../../webhooks/mutate.ts";
import { Outcomes } from "../../webhooks/outcome.ts";
import { Refusals } from "../../webhooks/refusal.ts";
import { startWebhookServer, type WebhookServer, type WebhookServerOptions } from "../../webhooks/server.ts";
import { Stamps } from "../../webhooks/stamps.ts";
import { createValidate } from "../../webhooks/validate.ts";
import { newWorld } from "../coordinator/builders.ts";
import { newJudge } from "../webhooks/judge.ts";

export const HOLDER = "coordinator-0_6b0c1f5e-2f4e-4d58-9a53-1f5a3a0f9d11";
export const TERM = `lease-uid/1/${HOLDER}`;

const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
export const authority = createAuthority({ commonName: "test", ...validity });
const serving = issueServing(authority, { dnsNames: [], ipAddresses: ["127.0.0.1"], ...validity });

export type ReviewPath = "/mutate" | "/validate";

/**
 * The API server's door with the real judge behind both reviews, while HOLDER holds the Lease. Without an API nothing
 * is recorded or bound, as where the ClaimRequest CRD is missing.
 */
export class ReviewDoor {
  readonly world = newWorld();
  /** Errors that no review may cause, whatever it was answered: each is a fault of ours. */
  readonly faults: unknown[];
  readonly server: WebhookServer;
  readonly #agent = new Agent({ ca: authority.certPem, keepAlive: true });

  private constructor(server: WebhookServer, world: ReviewDoor["world"], faults: unknown[]) {
    this.server = server;
    this.world = world;
    this.faults = faults;
  }

  static async open(
    changes: Partial<WebhookServerOptions> = {},
    kube: KubeApi | null = null,
  ): Promise<ReviewDoor> {
    const world = newWorld();
    const api = kube ?? ({} as KubeApi);
    const clock = systemClock;
    const faults: unknown[] = [];
    const log = keepingFaults(faults);
    const available = () => kube !== null;
    const holder = new Holder({
      // A term that it does not know makes the judge look at the Lease itself.
      api: { ...api, get: async () => heldLease() },
      clock,
      leaseNamespace: "beskar7-system",
      leaseName: "l",
      retryPeriodMs: 2_000,
    });
    holder.note(heldLease());
    const metrics = createMetrics(new Registry(), { version: "test", processMetrics: false });
    const outcomes = new Outcomes({
      clock,
      log,
      rejectionCode: 409,
      onDecision: ({ allowed, reason }) =>
        metrics.decision("mutate", allowed ? "allow" : "reject", reason, 0),
    });
    const judge = newJudge({ world, holder, clock });
    const recorder = new Recorder({ api, world, profileFor: profileForKind });
    const refusals = new Refusals({
      outcomes,
      recorder,
      world,
      clock,
      log,
      canRecord: available,
    });
    const bindings = new Bindings({ api, world, recorder, profileFor: profileForKind });
    const stamps = new Stamps({ world, sign: null });
    const server = await startWebhookServer(
      { host: "127.0.0.1", port: 0 },
      {
        routes: {
          "/mutate": createMutate({ judge, refusals, outcomes, stamps, clock }),
          "/validate": createValidate({
            ...{ judge, refusals, outcomes, bindings, world, clock, log },
            canBind: available,
          }),
        },
        fallback: (_request, response) => void response.writeHead(404).end(),
        tls: { key: serving.keyPem, cert: serving.certPem },
        webhookTimeoutMs: 10_000,
        maxInflightReviews: 100,
        clock,
        log,
        onFailure: (route, review, failure) => {
          if (failure.code !== "Malformed") faults.push(failure);
          return outcomes.fail(route === "/validate" ? "validate" : "mutate", review, failure);
        },
        ...changes,
      },
    );
    return new ReviewDoor(server, world, faults);
  }

  post(body: string | Buffer, path: ReviewPath = "/mutate"): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const { port } = this.server.address;
      const call = request(
        { agent: this.#agent, host: "127.0.0.1", port, path: `${path}?timeout=10s`, method: "POST" },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk) => {
            text += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
        },
      );
      call.on("error", reject);
      call.end(body);
    });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.server.close(0);
  }
}

/** What the API server refuses is told as a failed write, and is none of ours; anything else that fails is. */
function keepingFaults(faults: unknown[]): Log {
  const keep = (fields: object) => {
    const { err } = fields as { err?: unknown };
    const refused = err instanceof KubeError && (err.status?.code ?? 500) < 500;
    if (err !== undefined && !refused) faults.push(err);
  };
  return { ...silentLog, warn: keep, error: keep };
}

function heldLease(): KubeObject {
  return {
    metadata: {
      name: "l",
      uid: "lease-uid",
      resourceVersion: "1",
      annotations: { "claims.beskar7.io/holder": HOLDER },
    },
    spec: {
      holderIdentity: HOLDER,
      leaseDurationSeconds: 3_600,
      leaseTransitions: 1,
      renewTime: "2026-01-01T00:00:00.000000Z",
    },
  };
}
