import type { Express } from "express";
import type { Registry } from "prom-client";
import type { CertificateSource } from "../../certs/source.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { LatencyWindow } from "../queue/latency.ts";
import { RecentLeaders, viewLeader } from "../queue/leadership.ts";
import { RecentDecisions } from "../queue/recent-decisions.ts";
import { Views } from "../queue/views.ts";
import type { Replica, ReplicaEvents } from "../replica.ts";
import { VERSION } from "../version.ts";
import { createOpsApp, type OpsRoute } from "./app.ts";
import type { Auth } from "./auth.ts";
import { requireAccess } from "./auth-middleware.ts";
import { OverviewStreams } from "./events-stream.ts";
import { queueApiRoute } from "./queue-api.ts";
import { statusPageRoute } from "./status-page.ts";

/** What people can look at: metrics, queue API and status page, and what has to be remembered for them. */
export class PeopleDoor {
  readonly #clock: Clock;
  readonly #decisions = new RecentDecisions();
  readonly #leaders = new RecentLeaders();
  readonly #bindings = new LatencyWindow();
  #streams: OverviewStreams | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be told beside whoever else is. */
  readonly on: Pick<ReplicaEvents, "decision" | "leader" | "bindResult"> = {
    decision: (record) => {
      this.#decisions.note(record);
      this.#streams?.changed();
    },
    leader: (event, identity) => {
      this.#leaders.note(event, identity, this.#clock.wallMs());
      this.#streams?.changed();
    },
    bindResult: ({ outcome, tookMs }) => {
      if (outcome === "bound") this.#bindings.note(tookMs);
    },
  };

  /** The express application; `signal` ends the streams that are open. */
  app(options: {
    replica: Replica;
    identity: string;
    certificates: CertificateSource;
    registry: Registry;
    auth: Auth;
    /** Whether /metrics asks for a token. */
    secure: boolean;
    /** Whether queue API and status page are served: false for a replica that only knows what its last review read. */
    showsQueue: boolean;
    routes: readonly OpsRoute[];
    log: Log;
    signal: AbortSignal;
  }): Express {
    const { replica, identity, certificates, registry, auth, secure, showsQueue, routes, log, signal } =
      options;
    const metricsGuard = secure ? requireAccess(auth, () => ({ verb: "get", path: "/metrics" })) : null;
    if (!showsQueue) return createOpsApp({ registry, metricsGuard, routes, log });
    const views = new Views({
      world: replica.world,
      clock: this.#clock,
      decisions: this.#decisions,
      leaders: this.#leaders,
      bindings: this.#bindings,
      leader: () => viewLeader(replica.holder.state(), replica.holder.observation.record),
      replica: () => ({
        identity,
        leading: replica.isLeading(),
        version: VERSION,
        notReady: replica.notReady(),
      }),
      certificateExpiresAtMs: () => certificates.current().notAfterMs,
    });
    const streams = new OverviewStreams({ views, clock: this.#clock, signal });
    this.#streams = streams;
    replica.world.onChange(() => streams.changed());
    return createOpsApp({
      registry,
      metricsGuard,
      routes: [...routes, queueApiRoute({ views, streams, auth }), statusPageRoute()],
      log,
    });
  }
}
