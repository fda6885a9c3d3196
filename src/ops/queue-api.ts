import { type Request, type RequestHandler, type Response, Router } from "express";
import { CLAIM_REQUESTS } from "../kube/types.ts";
import type { Views } from "../queue/views.ts";
import type { OpsRoute } from "./app.ts";
import type { Auth } from "./auth.ts";
import type { OverviewStreams } from "./events-stream.ts";

/** Entries, or hosts, in an answer to who does not ask for another number. */
const DEFAULT_LIMIT = 500;
const LARGEST_LIMIT = 10_000;
/** A namespace, as the API server takes it (RFC 1123 label). */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export interface QueueApiOptions {
  readonly views: Views;
  readonly streams: OverviewStreams;
  /** Who may `get claimrequests` in a namespace may read what concerns it; in all of them, everything. */
  readonly auth: Auth;
}

/** Why something is not answered; the body is `{"error": {"code", "message"}}`. */
class ApiProblem extends Error {
  readonly status: number;
  readonly code: "BadRequest" | "Unauthorized" | "Forbidden" | "NotFound" | "Unavailable";

  constructor(status: number, code: ApiProblem["code"], message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * GET /api/v1/queue, /status and /events (each with ?namespace=; queue and events also with ?limit=), and
 * /explain/machine/NAMESPACE/NAME and /explain/host/NAMESPACE/NAME (with ?kind= where several kinds have that name;
 * of a machine's hosts ?limit= are listed).
 */
export function queueApiRoute({ views, streams, auth }: QueueApiOptions): OpsRoute {
  const router = Router();
  const mayRead = (request: Request, namespace: string | null) => authorize(auth, request, namespace);

  const get = (path: string, params: readonly string[], answer: (ask: Ask) => Promise<unknown>) =>
    router.get(path, answering(params, answer));

  get("/queue", ["namespace", "limit"], async ({ request }) => {
    const namespace = namespaceOf(request);
    const limit = limitOf(request);
    await mayRead(request, namespace);
    return { namespace, limit, ...views.queue(namespace, limit) };
  });

  get("/status", ["namespace"], async ({ request }) => {
    const namespace = namespaceOf(request);
    await mayRead(request, namespace);
    return views.status(namespace);
  });

  get("/events", ["namespace", "limit"], async ({ request, response }) => {
    const namespace = namespaceOf(request);
    const limit = limitOf(request);
    await mayRead(request, namespace);
    if (request.method === "HEAD") return {};
    if (!streams.open(response, namespace, limit)) {
      throw new ApiProblem(503, "Unavailable", "too many streams are open here; ask /api/v1/status instead");
    }
    return undefined;
  });

  get("/explain/machine/:namespace/:name", ["kind", "limit"], async ({ request }) => {
    const { namespace, name } = nameOf(request);
    const limit = limitOf(request);
    await mayRead(request, namespace);
    const kind = chooseKind(request, views.kindsNamed({ namespace, name }));
    const explanation = kind === undefined ? null : views.machine({ kind, namespace, name }, limit);
    if (explanation === null) throw notFound(`no machine or request ${namespace}/${name} is known`);
    // Kinds that may claim across namespaces stand in a queue of the hosts' namespace.
    if (explanation.entry.namespace !== namespace) await mayRead(request, explanation.entry.namespace);
    return explanation;
  });

  get("/explain/host/:namespace/:name", ["kind"], async ({ request }) => {
    const { namespace, name } = nameOf(request);
    await mayRead(request, namespace);
    const hosts = views.hosts(namespace, name);
    const kind = chooseKind(
      request,
      hosts.map(({ hostKind }) => hostKind),
    );
    const explanation = hosts.find(({ hostKind }) => hostKind === kind);
    if (explanation === undefined) throw notFound(`no host ${namespace}/${name} is known`);
    return explanation;
  });

  return { path: "/api/v1", handler: router, guard: null };
}

interface Ask {
  readonly request: Request;
  readonly response: Response;
}

/** `answer` resolves with what is sent as JSON, or with undefined when it has taken the response over. */
function answering(params: readonly string[], answer: (ask: Ask) => Promise<unknown>): RequestHandler {
  return async (request, response) => {
    try {
      const unknown = Object.keys(request.query).find((param) => !params.includes(param));
      if (unknown !== undefined) {
        const known = params.map((param) => `?${param}=`).join(" and ");
        throw new ApiProblem(400, "BadRequest", `${unknown} means nothing here; known are ${known}`);
      }
      const body = await answer({ request, response });
      if (body !== undefined) response.json(body);
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) throw problem;
      const { status, code, message } = problem;
      if (status === 401) response.setHeader("WWW-Authenticate", 'Bearer realm="beskar7-claim-coordinator"');
      response.status(status).json({ error: { code, message } });
    }
  };
}

async function authorize(auth: Auth, request: Request, namespace: string | null): Promise<void> {
  const who = await auth.authenticate(request.headers);
  if ("status" in who) throw problemOf(who);
  const { group, plural: resource } = CLAIM_REQUESTS;
  const verdict = await auth.authorize(who.user, {
    verb: "get",
    group,
    resource,
    namespace: namespace ?? "",
  });
  if (!("status" in verdict)) return;
  const problem = problemOf(verdict);
  if (namespace !== null || verdict.status !== 403) throw problem;
  throw new ApiProblem(
    403,
    "Forbidden",
    `${problem.message}; name a namespace that you may read (?namespace=)`,
  );
}

function problemOf({ status, message }: { status: 401 | 403 | 503; message: string }): ApiProblem {
  const code = ({ 401: "Unauthorized", 403: "Forbidden", 503: "Unavailable" } as const)[status];
  return new ApiProblem(status, code, message);
}

function namespaceOf({ query }: Request): string | null {
  const namespace = query.namespace;
  if (namespace === undefined || namespace === "") return null;
  if (typeof namespace !== "string" || !NAMESPACE.test(namespace)) {
    throw new ApiProblem(400, "BadRequest", "namespace must be one namespace");
  }
  return namespace;
}

function limitOf({ query }: Request): number {
  const { limit } = query;
  if (limit === undefined) return DEFAULT_LIMIT;
  const number = typeof limit === "string" && /^\d{1,5}$/.test(limit) ? Number(limit) : 0;
  if (number >= 1 && number <= LARGEST_LIMIT) return number;
  throw new ApiProblem(400, "BadRequest", `limit must be a number from 1 to ${LARGEST_LIMIT}`);
}

function nameOf({ params }: Request): { namespace: string; name: string } {
  const { namespace = "", name = "" } = params as { namespace?: string; name?: string };
  if (!NAMESPACE.test(namespace)) throw new ApiProblem(400, "BadRequest", "the path names no namespace");
  return { namespace, name };
}

/** The kind that was asked for, or the only one there is; undefined when there is none. */
function chooseKind({ query }: Request, kinds: readonly string[]): string | undefined {
  if (query.kind !== undefined) return kinds.find((kind) => kind === query.kind);
  if (kinds.length <= 1) return kinds[0];
  const choices = kinds.map((kind) => `?kind=${kind}`).join(" or ");
  throw new ApiProblem(400, "BadRequest", `several kinds have that name: add ${choices}`);
}

const notFound = (message: string) => new ApiProblem(404, "NotFound", message);
