import type { KubeObject } from "../kube/api.ts";
import type { Core } from "./core.ts";
import { parseJson } from "./json-syntax.ts";
import { checkListOptions, checkWatchOptions, integerQuery } from "./list-options.ts";
import type { ApiResponse, RequestInfo } from "./request.ts";
import { apiVersionOf, type Resource } from "./resources/resource.ts";
import { parseSelectors } from "./selectors.ts";
import { ApiError, badRequest, expired, invalidValue, notFound, qualified } from "./status.ts";
import { CompactedError, storageKey } from "./store.ts";
import { parseAccept, partialMetadata, type Representation, tableOf } from "./table.ts";
import { watchFeed } from "./watch.ts";

type ResourceInfo = NonNullable<RequestInfo["resource"]>;

/** An answer of the usual kind. */
export function json(code: number, body: unknown, headers: ApiResponse["headers"] = {}): ApiResponse {
  return { code, headers, body };
}

/** The object as the requested version shows it: conversion between versions changes the name alone. */
export function inVersion(resource: Resource, object: KubeObject): KubeObject {
  const apiVersion = apiVersionOf(resource);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** An object in the representation that the client asked for. */
export function represent(
  core: Core,
  resource: Resource,
  object: KubeObject,
  representation: Representation,
): KubeObject {
  const shown = inVersion(resource, object);
  if (representation.as === "metadata") return partialMetadata(shown);
  if (representation.as === "object") return shown;
  const { resourceVersion } = object.metadata;
  return tableOf(resource, [shown], { resourceVersion }, representation, core.clock.wallMs());
}

export function getObject(core: Core, resource: Resource, info: RequestInfo, accept?: string): ApiResponse {
  const { name, namespace } = info.resource as ResourceInfo;
  const asked = info.query.get("resourceVersion") ?? "";
  if (asked !== "" && asked !== "0") refuseFuture(core, parseRevision(asked, refuseVersion));
  const found = core.store.get(qualified(resource), storageKey({ name, namespace }));
  if (found === undefined) throw notFound(resource, name);
  return json(200, represent(core, resource, found, parseAccept(accept, info.query)));
}

export function listObjects(core: Core, resource: Resource, info: RequestInfo, accept?: string): ApiResponse {
  const { query } = info;
  const { namespace } = info.resource as ResourceInfo;
  const limit = integerQuery(query, "limit");
  integerQuery(query, "timeoutSeconds");
  checkListOptions(query);
  const token = query.get("continue");
  const page = token ? readContinue(token) : undefined;
  if (page !== undefined && Number(query.get("resourceVersion") ?? 0) > 0) {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  const wanted = page?.revision ?? exactRevision(core, query);
  const matches = selectorsOf(resource, info);
  const all = listAt(core, resource, namespace, wanted, page).filter(matches);
  const start = page === undefined ? 0 : all.findIndex((object) => pageKey(object) > page.after);
  const rest = start < 0 ? [] : all.slice(start);
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const revision = wanted ?? core.store.revision;
  const remaining = rest.length - items.length;
  const last = items.at(-1);
  const selective = Boolean(query.get("labelSelector") || query.get("fieldSelector"));
  const metadata = {
    resourceVersion: String(revision),
    ...(remaining > 0 && last !== undefined
      ? { continue: writeContinue(revision, pageKey(last)) }
      : resource.custom && parseAccept(accept, query).as === "object" && { continue: "" }),
    // As in the API server: nobody counted what a selector would leave.
    ...(remaining > 0 && !selective ? { remainingItemCount: remaining } : {}),
  };
  return json(200, listBody(core, resource, items, metadata, parseAccept(accept, query)));
}

function listBody(
  core: Core,
  resource: Resource,
  items: readonly KubeObject[],
  metadata: { resourceVersion: string },
  representation: Representation,
): unknown {
  const shown = items.map((object) => inVersion(resource, object));
  if (representation.as === "table") {
    return tableOf(resource, shown, metadata, representation, core.clock.wallMs());
  }
  if (representation.as === "metadata") {
    const kind = "PartialObjectMetadataList";
    return { kind, apiVersion: "meta.k8s.io/v1", metadata, items: shown.map(partialMetadata) };
  }
  return {
    kind: resource.listKind,
    apiVersion: apiVersionOf(resource),
    metadata,
    items: listItems(resource, items),
  };
}

/** Only lists of custom resources repeat kind and apiVersion in each item. */
export function listItems(resource: Resource, objects: readonly KubeObject[]): unknown[] {
  const shown = objects.map((object) => inVersion(resource, object));
  return resource.custom ? shown : shown.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest);
}

export function selectorsOf(resource: Resource, { query, resource: of }: RequestInfo) {
  const matches = parseSelectors(query.get("labelSelector"), query.get("fieldSelector"), resource.selectable);
  const name = of?.name;
  return name ? (object: KubeObject) => object.metadata.name === name && matches(object) : matches;
}

interface Page {
  /** Undefined: continue in the present state, after the consistent one was lost. */
  readonly revision: number | undefined;
  readonly after: string;
}

const pageKey = ({ metadata: { name, namespace } }: KubeObject) => storageKey({ name, namespace });

function writeContinue(revision: number, after: string): string {
  const token = { v: "meta.k8s.io/v1", rv: revision, start: `${after}\u0000` };
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function readContinue(text: string): Page {
  let token: { v?: unknown; rv?: unknown; start?: unknown };
  try {
    token = parseJson(Buffer.from(text, "base64url").toString()) as typeof token;
  } catch (error) {
    throw badRequest(`invalid continue token: continue key is not valid: ${(error as Error).message}`);
  }
  if (token.v !== "meta.k8s.io/v1" || typeof token.rv !== "number" || typeof token.start !== "string") {
    throw badRequest(
      "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion",
    );
  }
  return { revision: token.rv < 0 ? undefined : token.rv, after: token.start.split("\u0000")[0] as string };
}

function listAt(
  core: Core,
  resource: Resource,
  namespace: string | undefined,
  revision: number | undefined,
  page: Page | undefined,
): KubeObject[] {
  const key = qualified(resource);
  if (revision === undefined) return core.store.list(key, namespace);
  try {
    return core.store.listAt(revision, key, namespace);
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    if (page === undefined) throw expired("The resourceVersion for the provided list is too old.");
    const failure = expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new " +
        "list without the continue parameter, or use the continue token in this response to retrieve the " +
        "remainder of the results. Continuing with the provided token results in an inconsistent list - " +
        "objects that were created, modified, or deleted between the time the first chunk was returned and " +
        "now may show up in the list.",
    );
    failure.status.metadata.continue = writeContinue(-1, page.after);
    throw failure;
  }
}

/** The revision that must be shown exactly; undefined when the present state will do. */
function exactRevision(core: Core, query: URLSearchParams): number | undefined {
  const asked = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  if (asked === "" || asked === "0") return undefined;
  const revision = parseRevision(asked, (why) => badRequest(`invalid resource version: ${why}`));
  refuseFuture(core, revision);
  return match === "Exact" ? revision : undefined;
}

function parseRevision(text: string, refuse: (why: string) => ApiError): number {
  if (/^\d+$/.test(text)) return Number(text);
  const why = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  const { field, message } = invalidValue("resourceVersion", text, why);
  throw refuse(`${field}: ${message}`);
}

function refuseFuture(core: Core, revision: number): void {
  if (revision <= core.store.revision) return;
  throw new ApiError({
    code: 504,
    reason: "Timeout",
    message: `Timeout: Too large resource version: ${revision}, current: ${core.store.revision}`,
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  });
}

export function watchObjects(
  core: Core,
  resource: Resource,
  info: RequestInfo,
  accept?: string,
): ApiResponse {
  const { query } = info;
  checkWatchOptions(query);
  const sendInitialEvents = query.get("sendInitialEvents") === "true";
  const asked = query.get("resourceVersion") ?? "";
  const representation = parseAccept(accept, query);
  const feed = watchFeed(core.store, core.clock, {
    resource: qualified(resource),
    namespace: (info.resource as ResourceInfo).namespace,
    matches: selectorsOf(resource, info),
    since: asked === "" || asked === "0" ? undefined : parseRevision(asked, refuseVersion),
    sendInitialEvents,
    bookmarks: query.get("allowWatchBookmarks") === "true",
    timeoutMs: watchTimeoutMs(core, query),
    present: (object) => represent(core, resource, object, representation),
    bookmark: (revision, initialEventsEnd) => ({
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: {
        resourceVersion: String(revision),
        ...(initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
      } as KubeObject["metadata"],
    }),
  });
  return { code: 200, headers: {}, body: undefined, watch: feed };
}

/** As in the API server, which takes it for its own mistake. */
const refuseVersion = (message: string) => new ApiError({ code: 500, message });

/** Source: the API server's --min-request-timeout, 1800 s, and up to twice that at random. */
function watchTimeoutMs(core: Core, query: URLSearchParams): number {
  const seconds = integerQuery(query, "timeoutSeconds");
  return seconds > 0 ? seconds * 1000 : 1_800_000 * (1 + core.random());
}
