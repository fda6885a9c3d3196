import type { RequestHandler } from "express";
import { Registry } from "prom-client";
import { systemClock } from "../../src/clock.ts";
import type { World } from "../../src/coordinator/world.ts";
import { silentLog } from "../../src/log.ts";
import { createOpsApp, type OpsRoute } from "../../src/ops/app.ts";
import { type Auth, openAuth } from "../../src/ops/auth.ts";
import { OverviewStreams } from "../../src/ops/events-stream.ts";
import { queueApiRoute } from "../../src/ops/queue-api.ts";
import { type OpsServer, startOpsServer } from "../../src/ops/server.ts";
import { LatencyWindow } from "../../src/queue/latency.ts";
import { type LeaderView, RecentLeaders } from "../../src/queue/leadership.ts";
import { RecentDecisions } from "../../src/queue/recent-decisions.ts";
import { type ReplicaView, Views } from "../../src/queue/views.ts";
import { NOW_MS } from "../queue/world.ts";
import { FakeClock } from "../support/fake-clock.ts";

export const LEADER: LeaderView = {
  state: "ours",
  identity: "coordinator-0_7f1c",
  term: "lease/4/coordinator-0_7f1c",
  since: new Date(NOW_MS - 754_000).toISOString(),
  transitions: 4,
};

/** The queue API on a socket, over a world of the test's own; its time is a fake clock's. */
export class QueueDoor {
  readonly clock = new FakeClock(NOW_MS);
  readonly decisions = new RecentDecisions();
  readonly leaders = new RecentLeaders();
  readonly bindings = new LatencyWindow();
  readonly end = new AbortController();
  readonly streams: OverviewStreams;
  readonly world: World;
  leader: LeaderView = LEADER;
  replica: ReplicaView = { identity: "coordinator-1_09aa", leading: false, version: "0.1.0", notReady: null };
  certificateExpiresAtMs: number | null = NOW_MS + 30 * 86_400_000 + 5_400_000;
  #server: OpsServer | undefined;
  #auth: Auth = openAuth;

  constructor(world: World) {
    this.world = world;
    this.streams = new OverviewStreams({ views: this.#views(), clock: this.clock, signal: this.end.signal });
    world.onChange(() => this.streams.changed());
  }

  async open(
    auth: Auth = openAuth,
    routes: readonly OpsRoute[] = [],
    metricsGuard: RequestHandler | null = null,
  ): Promise<this> {
    this.#auth = auth;
    const api = queueApiRoute({ views: this.#views(), streams: this.streams, auth: this.#auth });
    const app = createOpsApp({
      registry: new Registry(),
      metricsGuard,
      routes: [api, ...routes],
      log: silentLog,
    });
    const address = { host: "127.0.0.1", port: 0 };
    this.#server = await startOpsServer({ app, address, tls: null, clock: systemClock, log: silentLog });
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server?.address.port}`;
  }

  async get(path: string, token?: string): Promise<{ status: number; body: unknown; headers: Headers }> {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${this.url}/api/v1${path}`, { headers });
    return { status: response.status, body: await response.json(), headers: response.headers };
  }

  /** Ends streams as a shutdown does, then the server. */
  async close(): Promise<void> {
    this.end.abort();
    await this.#server?.close(0);
  }

  #views(): Views {
    return new Views({
      world: this.world,
      clock: this.clock,
      decisions: this.decisions,
      leaders: this.leaders,
      bindings: this.bindings,
      leader: () => this.leader,
      replica: () => this.replica,
      certificateExpiresAtMs: () => this.certificateExpiresAtMs,
    });
  }
}
