import { clone, equal, isObject, setOwn } from "../json.ts";
import { badRequest } from "../status.ts";

/** An operation of RFC 6902. */
export interface JsonPatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** The patch doesn't apply to this document. */
export class JsonPatchError extends Error {
  override readonly name = "JsonPatchError";
}

/** @throws ApiError 400 when the patch is not a list of operations */
export function parseJsonPatch(patch: unknown): JsonPatchOperation[] {
  if (patch === null) return [];
  if (!Array.isArray(patch)) {
    const type = isObject(patch) ? "object" : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${type} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  return patch as JsonPatchOperation[];
}

/** Applies the operations in order, changing `document`; the result may be another value. @throws JsonPatchError */
export function applyJsonPatch(document: unknown, operations: readonly JsonPatchOperation[]): unknown {
  let root = document;
  for (const operation of operations) root = applyOperation(root, operation);
  return root;
}

function applyOperation(root: unknown, { op, path, from, value }: JsonPatchOperation): unknown {
  switch (op) {
    case "add":
      return add(root, parsePointer(path), clone(value));
    case "replace":
      return replace(root, parsePointer(path), clone(value));
    case "remove":
      remove(root, parsePointer(path));
      return root;
    case "test":
      if (equal(find(root, parsePointer(path)), value)) return root;
      throw new JsonPatchError(`testing value ${path} failed: test failed`);
    case "copy":
      return add(root, parsePointer(path), clone(read(root, parsePointer(from))));
    case "move": {
      const moved = read(root, parsePointer(from));
      remove(root, parsePointer(from));
      return add(root, parsePointer(path), moved);
    }
    default:
      throw new JsonPatchError(`Unexpected kind: ${op}`);
  }
}

/** RFC 6901. */
function parsePointer(pointer: string | undefined): string[] {
  if (pointer === "") return [];
  if (typeof pointer !== "string" || !pointer.startsWith("/")) {
    throw new JsonPatchError(`not a JSON pointer: ${pointer}`);
  }
  return pointer
    .slice(1)
    .split("/")
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function child(container: unknown, key: string): unknown {
  if (Array.isArray(container)) return container[indexOf(container, key, container.length - 1)];
  return isObject(container) && Object.hasOwn(container, key) ? container[key] : undefined;
}

function find(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(child, root);
}

function read(root: unknown, path: readonly string[]): unknown {
  const value = find(root, path);
  if (value === undefined) throw missing(path);
  return value;
}

/** The words are those of the API server's library: webhooks' patches that fail are reported with them. */
function missing(path: readonly string[], operation = "add"): JsonPatchError {
  const where = `/${path.join("/")}`;
  return new JsonPatchError(
    `${operation} operation does not apply: doc is missing path: ${where}: missing value`,
  );
}

/** Like the API server's library, which counts from the end where the index is negative. */
function indexOf(list: readonly unknown[], key: string, max: number): number {
  const named = /^[-+]?\d+$/.test(key) ? Number(key) : Number.NaN;
  const index = named < 0 ? named + max + 1 : named;
  if (!(index >= 0 && index <= max))
    throw new JsonPatchError(`invalid index ${key} of a list of ${list.length}`);
  return index;
}

function containerOf(
  root: unknown,
  path: readonly string[],
  operation: string,
): [container: unknown, key: string] {
  const container = find(root, path.slice(0, -1));
  if (!isObject(container) && !Array.isArray(container)) throw missing(path, operation);
  return [container, path.at(-1) as string];
}

function add(root: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  const [container, key] = containerOf(root, path, "add");
  if (Array.isArray(container)) {
    container.splice(key === "-" ? container.length : indexOf(container, key, container.length), 0, value);
  } else if (isObject(container)) setOwn(container, key, value);
  return root;
}

/** Like the API server's library, a replace in an object also sets a key that wasn't there. */
function replace(root: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  const [container, key] = containerOf(root, path, "replace");
  if (Array.isArray(container)) container[indexOf(container, key, container.length - 1)] = value;
  else if (isObject(container)) setOwn(container, key, value);
  return root;
}

function remove(root: unknown, path: readonly string[]): void {
  const [container, key] = containerOf(root, path, "remove");
  if (Array.isArray(container)) container.splice(indexOf(container, key, container.length - 1), 1);
  else if (isObject(container)) {
    if (!Object.hasOwn(container, key)) {
      const where = `/${path.join("/")}`;
      throw new JsonPatchError(
        `error in remove for path: '${where}': Unable to remove nonexistent key: ${key}: missing value`,
      );
    }
    delete container[key];
  }
}
