// The process that test/bench/admission.ts measures: our /mutate, a bare handler and one with express and helmet, each on
// a port of its own, one at a time.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import express from "express";
import helmet from "helmet";
import { Registry } from "prom-client";
import { systemClock } from "../../src/clock.ts";
import { Holder } from "../../src/coordinator/holder.ts";
import { Recorder } from "../../src/coordinator/recorder.ts";
import { World } from "../../src/coordinator/world.ts";
import { profileForKind, profileForMachineKind, profiles } from "../../src/hosts/profiles.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createMutate } from "../../webhooks/mutate.ts";
import { Outcomes } from "../../webhooks/outcome.ts";
import { Refusals } from "../../webhooks/refusal.ts";
import { startWebhookServer } from "../../webhooks/server.ts";
import { Stamps } from "../../webhooks/stamps.ts";
import { newJudge } from "../webhooks/judge.ts";
import { HOLDER, reviewHost } from "./admission-bodies.ts";

const [certFile = "", keyFile = "", hosts = "0"] = process.argv.slice(2);
const tls = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
const unused = {} as KubeApi;
const clock = systemClock;
const log = createLog("info");
const world = new World({
  hostKindOf: (kind) => profileForMachineKind(kind)?.hostType.kind,
  mayCrossNamespaces: () => false,
});
for (let index = 0; index < Number(hosts); index++) {
  const profile = profiles[0]!;
  world.setHost(profile.readHost(JSON.parse(JSON.stringify(reviewHost(index)))));
}
const holder = new Holder({
  api: unused,
  clock,
  leaseNamespace: "beskar7-system",
  leaseName: "lease",
  retryPeriodMs: 2_000,
});
const lease: KubeObject = {
  metadata: {
    name: "lease",
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
holder.note(lease);
const metrics = createMetrics(new Registry(), { version: "bench", processMetrics: false });
const outcomes = new Outcomes({
  clock,
  log,
  rejectionCode: 409,
  onDecision: ({ webhook, allowed, reason, tookMs }) =>
    metrics.decision(webhook, allowed ? "allow" : "reject", reason, tookMs / 1000),
});
const judge = newJudge({ world, holder, clock });
const recorder = new Recorder({ api: unused, world, profileFor: profileForKind });
const refusals = new Refusals({ outcomes, recorder, world, clock, log, canRecord: () => true });
const mutate = createMutate({ judge, refusals, outcomes, stamps: new Stamps({ world, sign: null }), clock });

const ours = await startWebhookServer(
  { host: "127.0.0.1", port: 0 },
  {
    routes: { "/mutate": mutate },
    fallback: (_request, response) => void response.writeHead(404).end(),
    tls,
    webhookTimeoutMs: 10_000,
    maxInflightReviews: 1_000,
    clock,
    log,
    onFailure: (_route, request, failure) => outcomes.fail("mutate", request, failure),
  },
);

const PATCH = Buffer.from(
  JSON.stringify([{ op: "add", path: "/metadata/annotations/a", value: "b" }]),
).toString("base64");
const bare = createServer({ ...tls, ALPNProtocols: ["http/1.1"] }, (incoming, out) => {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk) => chunks.push(chunk));
  incoming.on("end", () => {
    const { request } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const response = { uid: request.uid, allowed: true, patchType: "JSONPatch", patch: PATCH };
    const body = JSON.stringify({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", response });
    out
      .writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
      .end(body);
  });
});
const app = express();
app.use(helmet());
app.use(express.json({ limit: "10mb" }));
app.post("/mutate", (incoming, out) => {
  const { request } = incoming.body as { request: { uid: string } };
  const response = { uid: request.uid, allowed: true, patchType: "JSONPatch", patch: PATCH };
  out.json({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", response });
});
const framework = createServer({ ...tls, ALPNProtocols: ["http/1.1"] }, app);
for (const server of [bare, framework]) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}
const portOf = (server: Server) => (server.address() as AddressInfo).port;
process.send?.({ ours: ours.address.port, bare: portOf(bare), express: portOf(framework) });
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuUs: user + system, rssBytes: process.memoryUsage().rss });
});
process.on("disconnect", () => process.exit(0));
