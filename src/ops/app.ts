import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import type { Registry } from "prom-client";
import type { Log } from "../log.ts";
import { securityHeaders } from "./headers.ts";
import { type HealthChecks, healthRouter } from "./health.ts";

/** Something more that is served at the people's door: the queue API, the status page. */
export interface OpsRoute {
  /** Where it is mounted, "/api" for example. */
  readonly path: string;
  readonly handler: RequestHandler;
  /** Decides who may pass; null lets everybody through (a page without secrets, which fetches with a token). */
  readonly guard: RequestHandler | null;
}

export interface OpsAppOptions {
  readonly registry: Registry;
  /** Decides who may read /metrics; null with --metrics-secure=false. */
  readonly metricsGuard: RequestHandler | null;
  readonly routes: readonly OpsRoute[];
  readonly log: Log;
}

/** The people's door: /metrics and the routes handed in. Reading only: other methods end here. */
export function createOpsApp({ registry, metricsGuard, routes, log }: OpsAppOptions): Express {
  const app = bareApp();
  const metrics: RequestHandler = async (_request, response) => {
    const text = await registry.metrics();
    // Not through response.send(), which would rewrite the content type's parameters.
    response.setHeader("Content-Type", registry.contentType);
    response.end(text);
  };
  app.get("/metrics", ...guarded(metricsGuard, metrics));
  for (const { path, handler, guard } of routes) app.use(path, ...guarded(guard, handler));
  return ending(app, log);
}

/** The kubelet's door: the health endpoints, for anybody who reaches the port. */
export function createHealthApp(checks: HealthChecks, log: Log): Express {
  const app = bareApp();
  app.use(healthRouter(checks));
  return ending(app, log);
}

/** What is served beside the reviews at the API server's door. */
export function createFallbackApp(routes: readonly Pick<OpsRoute, "path" | "handler">[], log: Log): Express {
  const app = bareApp();
  for (const { path, handler } of routes) app.get(path, handler);
  return ending(app, log);
}

function bareApp(): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  // No nested objects out of a query string: nothing here needs them, and they are a way in.
  app.set("query parser", "simple");
  app.use(securityHeaders());
  app.use(readingOnly);
  return app;
}

const readingOnly: RequestHandler = (request, response, next) => {
  if (request.method === "GET" || request.method === "HEAD") return next();
  response.setHeader("Allow", "GET, HEAD");
  response.status(405).type("text/plain").send("Only GET and HEAD are served here.\n");
};

function guarded(guard: RequestHandler | null, handler: RequestHandler): RequestHandler[] {
  return guard === null ? [handler] : [guard, handler];
}

function ending(app: Express, log: Log): Express {
  app.use((_request, response) => {
    response.status(404).type("text/plain").send("Nothing is served at this path.\n");
  });
  const onError: ErrorRequestHandler = (error, request, response, next) => {
    const status = clientFault(error);
    if (status === undefined)
      log.error({ err: error, path: request.path }, "A request at the people's door failed");
    if (response.headersSent) return next(error);
    response
      .status(status ?? 500)
      .type("text/plain")
      .send(status === undefined ? "Internal error.\n" : "Bad request.\n");
  };
  app.use(onError);
  return app;
}

/** 4xx that express itself says of a request it can't read (a path that is no UTF-8, for example). */
function clientFault(error: unknown): number | undefined {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === "number" && status >= 400 && status < 500 ? status : undefined;
}
