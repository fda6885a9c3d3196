import { parse as parseYaml } from "yaml";
import type { KubeObject } from "../kube/api.ts";
import { asArray, clone, isObject, type JsonObject, jsonType } from "./json.ts";
import { parseJson } from "./json-syntax.ts";
import { apiVersionOf, type Resource } from "./resources/resource.ts";
import { decodeError } from "./resources/validations.ts";
import { applyDefaults } from "./schema/defaults.ts";
import { dropForbiddenNulls } from "./schema/nulls.ts";
import { prune } from "./schema/prune.ts";
import { joinPath, memberSchema, type Schema } from "./schema/schema.ts";
import { ApiError, badRequest, unsupportedMediaType } from "./status.ts";

const READABLE = ["application/json", "application/yaml"];
/** What the API server would take; protobuf is refused here like any other type that nobody asked for. */
const ACCEPTED = [...READABLE, "application/vnd.kubernetes.protobuf"];

/** Parses a JSON or YAML body. @throws ApiError 400 or 415 */
export function parseBody(body: string, contentType: string | undefined, kind: string): unknown {
  const mediaType = mediaTypeOf(contentType) || "application/json";
  if (!READABLE.includes(mediaType)) throw unsupportedMediaType(ACCEPTED);
  try {
    // The API server reads YAML 1.1, where a bare `y` is a boolean.
    return mediaType === "application/json" ? parseJson(body) : parseYaml(body, { version: "1.1" });
  } catch (error) {
    const why = `couldn't get version/kind; json parse error: ${(error as Error).message} (${excerpt(body)})`;
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why}`);
  }
}

export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** Source: the API server shows so many bytes of a body that it doesn't understand; in hex, where it is no object. */
function excerpt(body: string): string {
  const bytes = Buffer.from(body);
  const shown = bytes.subarray(0, 30).toString(body.startsWith("{") ? "utf8" : "hex");
  return bytes.length > 30 ? `${shown} ...` : shown;
}

/** A body that can't be read as its resource's kind: 400, and 422 where a patch made it. */
export class DecodingError extends ApiError {
  /** What is wrong, without the kind. */
  readonly why: string;
  constructor({ kind, version }: Resource, why: string) {
    const message = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`;
    super({ code: 400, reason: "BadRequest", message });
    this.why = why;
  }
}

/** The object in a parsed body, with kind and apiVersion as the URL says. @throws ApiError 400 */
export function decodeObject(
  parsed: unknown,
  body: string,
  resource: Resource,
  warnings: string[] = [],
): KubeObject {
  const apiVersion = apiVersionOf(resource);
  if (!isObject(parsed) && parsed !== null) throw unrecognized(resource, body, notTypeMeta(parsed));
  const object = (resource.custom ? (parsed ?? {}) : dropNulls(parsed ?? {})) as JsonObject;
  if (resource.custom) {
    if (!object.kind) throw unrecognized(resource, body, `Object 'Kind' is missing in '${body}'`);
  } else {
    object.kind ??= resource.kind;
    object.apiVersion ??= apiVersion;
    if (object.kind !== resource.kind || object.apiVersion !== apiVersion) {
      throw badRequest(wrongKind(object, resource));
    }
  }
  if (object.apiVersion !== apiVersion) {
    // Nothing is known of that version, so all its fields are unknown.
    const unknown = Object.keys(object).filter((key) => !["apiVersion", "kind", "metadata"].includes(key));
    if (resource.custom) warnings.push(...unknown.map((key) => `unknown field ${JSON.stringify(key)}`));
    throw badRequest(
      `the API version in the data (${object.apiVersion ?? ""}) does not match the expected API version (${apiVersion})`,
    );
  }
  object.metadata = decodeMetadata(object.metadata, resource);
  return object as KubeObject;
}

function unrecognized(resource: Resource, body: string, why: string) {
  return badRequest(
    `the object provided is unrecognized (must be of type ${resource.kind}): ${why} (${excerpt(body)})`,
  );
}

/** How Go says that a body has no place for kind and apiVersion. */
function notTypeMeta(parsed: unknown): string {
  const typeMeta = `struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
  return `couldn't get version/kind; json parse error: json: cannot unmarshal ${goName(parsed)} into Go value of type ${typeMeta}`;
}

function wrongKind({ kind, apiVersion }: JsonObject, resource: Resource): string {
  const version = String(apiVersion).split("/").at(-1);
  const why =
    kind === resource.kind
      ? `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`
      : `converting (${version}.${kind}) to (${resource.group.split(".")[0] || "core"}.${resource.kind}): unknown conversion`;
  return `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${resource.kind}: ${why}`;
}

const META_TYPES: Readonly<Record<string, string>> = {
  name: "string",
  generateName: "string",
  namespace: "string",
  uid: "string",
  resourceVersion: "string",
  labels: "object",
  annotations: "object",
  finalizers: "array",
  ownerReferences: "array",
  managedFields: "array",
};

function decodeMetadata(value: unknown, resource: Resource): KubeObject["metadata"] {
  if (value !== undefined && value !== null && !isObject(value)) {
    const field = resource.custom ? "metadata" : `${resource.kind}.metadata`;
    throw new DecodingError(resource, unmarshalError(value, field, "v1.ObjectMeta"));
  }
  const field = (key: string) => (resource.custom ? `ObjectMeta.${key}` : `ObjectMeta.metadata.${key}`);
  // Typed decoding drops empty and null fields of metadata.
  const metadata: JsonObject = {};
  for (const [key, member] of Object.entries(value ?? {})) {
    const wanted = META_TYPES[key];
    if (member === null || member === "" || key === "selfLink") continue;
    if (wanted !== undefined && jsonType(member) !== wanted) {
      throw new DecodingError(resource, unmarshalError(member, field(key), META_GO_TYPES[key] ?? wanted));
    }
    if (isObject(member) && (key === "labels" || key === "annotations")) {
      const wrong = Object.values(member).find((each) => typeof each !== "string");
      if (wrong !== undefined) throw new DecodingError(resource, unmarshalError(wrong, field(key), "string"));
      if (Object.keys(member).length === 0) continue;
    }
    if (Array.isArray(member) && member.length === 0) continue;
    metadata[key] = member;
  }
  return metadata as unknown as KubeObject["metadata"];
}

const META_GO_TYPES: Readonly<Record<string, string>> = {
  labels: "map[string]string",
  annotations: "map[string]string",
  finalizers: "[]string",
};

const GO_NAMES: Readonly<Record<string, string>> = { integer: "number", boolean: "bool" };

function unmarshalError(value: unknown, field: string, wanted: string): string {
  return `json: cannot unmarshal ${goName(value)} into Go struct field ${field} of type ${wanted}`;
}

function goName(value: unknown): string {
  const type = jsonType(value);
  return GO_NAMES[type] ?? type;
}

/** Built-in kinds are decoded into typed fields, for which null means absent. */
function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, dropNulls(member)]),
  );
}

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface SettleOptions {
  /** Default Ignore. */
  readonly fieldValidation?: FieldValidation;
  readonly warnings?: string[];
  /** For objects that were not sent by a client: a null in them is an error yet to be told. */
  readonly keepNulls?: boolean;
}

/**
 * Prunes and defaults a decoded object, as decoding into the schema does. Unknown fields end in the warnings,
 * or with Strict in an error. @throws ApiError 400
 */
export function settleObject(
  object: KubeObject,
  resource: Resource,
  { fieldValidation = "Ignore", warnings = [], keepNulls = false }: SettleOptions = {},
): KubeObject {
  let settled = clone(object);
  if (resource.schema !== undefined) {
    if (!resource.custom) checkTypes(settled, resource.schema, resource);
    const { value, unknown } = prune(settled, resource.schema);
    const said = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
    if (said.length > 0 && fieldValidation === "Strict") {
      throw new DecodingError(resource, `strict decoding error: ${said.sort().join(", ")}`);
    }
    if (fieldValidation === "Warn") warnings.push(...said.sort());
    settled = value as KubeObject;
    if (resource.custom) {
      if (!keepNulls) dropForbiddenNulls(settled, resource.schema);
      applyDefaults(settled, resource.schema);
    }
  }
  const problem = decodeError(settled);
  if (problem !== undefined) throw new DecodingError(resource, problem);
  resource.applyDefaults?.(settled);
  return settled;
}

/** The type errors that decoding a built-in kind meets. @throws ApiError 400 */
function checkTypes(object: KubeObject, schema: Schema, resource: Resource): void {
  const { metadata: _metadata, ...rest } = object;
  visit(rest, schema, "");
  function visit(value: unknown, known: Schema, path: string): void {
    if (value === null) return;
    const type = jsonType(value);
    if (known.type !== undefined && known.type !== type && !(known.type === "number" && type === "integer")) {
      throw new DecodingError(
        resource,
        unmarshalError(value, goField(path, resource.kind), goType(known, path, resource)),
      );
    }
    if (known.format === "micro-time") checkMicroTime(String(value), resource);
    for (const [index, item] of asArray(value).entries()) {
      if (known.items !== undefined) visit(item, known.items, joinPath(path, index));
    }
    if (!isObject(value)) return;
    for (const [key, member] of Object.entries(value)) {
      const inner = memberSchema(known, key);
      if (inner !== undefined) visit(member, inner, joinPath(path, key));
    }
  }
}

/** `LeaseSpec.spec.holderIdentity` for `spec.holderIdentity` of a Lease; `ConfigMap.data` for its data. */
function goField(path: string, kind: string): string {
  const segments = path.replace(/\[\d+\]/g, "").split(".");
  const [first = ""] = segments;
  if (segments.length > 1 && (first === "spec" || first === "status")) {
    return `${kind}${goTitle(first)}.${segments.join(".")}`;
  }
  return `${kind}.${first}`;
}

const goTitle = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

function goType(
  { type, items, additionalProperties }: Schema,
  path: string,
  { kind, version }: Resource,
): string {
  if (type === "integer") return "int32";
  if (type === "boolean") return "bool";
  if (type === "array") return items?.type === "string" ? "[]string" : `[]${version}.${kind}`;
  if (type !== "object") return "string";
  return additionalProperties === undefined ? `${version}.${kind}${goTitle(path)}` : "map[string]string";
}

function checkMicroTime(text: string, resource: Resource): void {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/.test(text)) return;
  const seconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.exec(text);
  const rest = text.slice(seconds?.[0].length ?? 0);
  const micros = /^\.\d{6}/.exec(rest);
  const [found, wanted] =
    seconds === null ? [text, "2006"] : micros === null ? [rest, ".000000"] : [rest.slice(7), "Z07:00"];
  throw new DecodingError(
    resource,
    `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05.000000Z07:00": ` +
      `cannot parse ${JSON.stringify(found)} as ${JSON.stringify(wanted)}`,
  );
}
