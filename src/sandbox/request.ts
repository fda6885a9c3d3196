import type { UserInfo } from "./auth/user.ts";
import type { WatchFeed } from "./watch.ts";

/** A request as the pipeline sees it, whether it came over a socket or from within the process. */
export interface ApiRequest {
  readonly method: string;
  /** Path and query, as on the request line. */
  readonly target: string;
  /** A bearer token to be checked, a user who is known already, or nobody. */
  readonly credentials: { readonly token: string } | { readonly user: UserInfo } | undefined;
  /** Whom the request is to be made as; the user behind the credentials must be allowed to. */
  readonly impersonated?: UserInfo;
  readonly accept?: string;
  readonly contentType?: string;
  readonly userAgent?: string;
  /** Absent or empty when there is none. */
  readonly body?: string;
}

export interface ApiResponse {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** JSON to be serialised, or text as it is. Shared with storage: not to be changed. */
  readonly body: unknown;
  /** Instead of a body: events until the feed ends or is stopped. */
  readonly watch?: WatchFeed;
}

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** What a request asks for, read from its method, path and query. */
export interface RequestInfo {
  readonly path: string;
  readonly query: URLSearchParams;
  /** The HTTP method in lower case where the path is not a resource's. */
  readonly verb: Verb | string;
  readonly resource?: {
    readonly group: string;
    readonly version: string;
    readonly plural: string;
    readonly namespace: string | undefined;
    /** Empty for collections. */
    readonly name: string;
    /** Empty for the object itself. */
    readonly subresource: string;
    readonly watching: boolean;
  };
}

const VERB_OF_METHOD: Readonly<Record<string, Verb>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

export function parseRequest(method: string, target: string): RequestInfo {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1));
  const resource = parseResourcePath(path);
  if (resource === undefined) return { path, query, verb: method.toLowerCase() };
  return { path, query, verb: resourceVerb(method, resource, query), resource };
}

function resourceVerb(
  method: string,
  { name, watching: byPath }: NonNullable<RequestInfo["resource"]>,
  query: URLSearchParams,
): Verb | string {
  const verb = VERB_OF_METHOD[method];
  if (verb === undefined) return method.toLowerCase();
  const watching = byPath || (query.has("watch") && !["false", "0"].includes(query.get("watch") ?? ""));
  if (verb === "get" && (name === "" || watching)) return watching ? "watch" : "list";
  return verb === "delete" && name === "" ? "deletecollection" : verb;
}

function parseResourcePath(path: string): RequestInfo["resource"] {
  const segments = decodeSegments(path);
  if (segments === undefined) return undefined;
  const [root, ...rest] = segments;
  const group = root === "apis" ? rest.shift() : root === "api" ? "" : undefined;
  const version = rest.shift();
  // The old way to ask for a watch: `/api/v1/watch/...`.
  const watching = rest[0] === "watch";
  if (watching) rest.shift();
  if (group === undefined || version === undefined || rest.length === 0) return undefined;
  const [first, namespace, third] = rest;
  // `namespaces/NAME` and its subresources are the namespace itself; anything deeper is inside it.
  const inside = first === "namespaces" && third !== undefined && !["status", "finalize"].includes(third);
  if (inside) rest.splice(0, 2);
  const [plural, name = "", subresource = "", ...beyond] = rest;
  if (plural === undefined || beyond.length > 0) return undefined;
  return { group, version, plural, namespace: inside ? namespace : undefined, name, subresource, watching };
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return path
      .split("/")
      .filter((segment) => segment !== "")
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
