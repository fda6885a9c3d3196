import { clone, equal, isObject, type JsonObject, setOwn } from "../json.ts";
import { ApiError } from "../status.ts";

/** Merge keys of lists in built-in kinds. Source: the types' patchMergeKey tags. */
const MERGE_KEYS: Readonly<Record<string, readonly string[]>> = {
  conditions: ["type"],
  containers: ["name"],
  env: ["name"],
  ephemeralContainers: ["name"],
  imagePullSecrets: ["name"],
  initContainers: ["name"],
  matchConditions: ["name"],
  ownerReferences: ["uid"],
  ports: ["containerPort", "port"],
  secrets: ["name"],
  topologySpreadConstraints: ["topologyKey"],
  volumeMounts: ["mountPath"],
  volumes: ["name"],
  webhooks: ["name"],
};
/** Lists of plain values that are merged as sets. */
const MERGED_SETS = ["finalizers"];

/**
 * Kubernetes' strategic merge patch: like a merge patch, but lists of objects are merged by key, and
 * `$patch: delete|replace`, `$deleteFromPrimitiveList/...`, `$setElementOrder/...` and `$retainKeys` are understood.
 * @throws ApiError 500 for another `$patch`
 */
export function strategicMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return clone(patch);
  if (patch.$patch === "replace") return withoutDirectives(patch);
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  if (patch.$patch === "delete") return {};
  if (patch.$patch !== undefined) {
    const message = `unknown patch type: ${patch.$patch} in map: ${goText(patch)}`;
    throw new ApiError({ code: 500, message });
  }
  if (Array.isArray(patch.$retainKeys)) {
    for (const key of Object.keys(merged)) if (!patch.$retainKeys.includes(key)) delete merged[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    if (value === null) delete merged[key];
    // As in the API server: a map with a directive has nothing to direct where none is, and sets nothing.
    else if (isObject(value) && value.$patch !== undefined && !Object.hasOwn(merged, key)) continue;
    else setOwn(merged, key, mergeMember(key, merged[key], value));
  }
  applyListDirectives(merged, patch);
  return merged;
}

/** A value as Go prints it. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isObject(value)) return value === null ? "<nil>" : String(value);
  const members = Object.keys(value).sort();
  return `map[${members.map((key) => `${key}:${goText(value[key])}`).join(" ")}]`;
}

function mergeMember(key: string, current: unknown, value: unknown): unknown {
  if (!Array.isArray(value)) return strategicMergePatch(current, value);
  const list = Array.isArray(current) ? current : [];
  if (MERGED_SETS.includes(key)) return [...list, ...value.filter((item) => !list.includes(item))];
  const mergeKey = MERGE_KEYS[key]?.find((each) => value.some((item) => isObject(item) && each in item));
  return mergeKey === undefined ? clone(value) : mergeByKey(list, value, mergeKey);
}

function mergeByKey(list: readonly unknown[], patch: readonly unknown[], key: string): unknown[] {
  if (patch.some((item) => isObject(item) && item.$patch === "replace")) {
    return patch.filter((item) => isObject(item) && item.$patch === undefined).map(clone);
  }
  const merged = [...list];
  const added: unknown[] = [];
  for (const item of patch) {
    if (!isObject(item)) continue;
    const at = merged.findIndex((each) => isObject(each) && equal(each[key], item[key]));
    if (item.$patch === "delete") {
      if (at >= 0) merged.splice(at, 1);
    } else if (at >= 0) merged[at] = strategicMergePatch(merged[at], item);
    else added.push(withoutDirectives(item));
  }
  // New items come first, as the API server puts them unless told an order.
  return [...added, ...merged];
}

function applyListDirectives(merged: JsonObject, patch: JsonObject): void {
  for (const [directive, value] of Object.entries(patch)) {
    const [name, field] = directive.split("/");
    const list = field === undefined ? undefined : merged[field];
    if (field === undefined || !Array.isArray(list) || !Array.isArray(value)) continue;
    if (name === "$deleteFromPrimitiveList") merged[field] = list.filter((item) => !value.includes(item));
    if (name === "$setElementOrder") merged[field] = inOrder(list, value, field);
  }
}

/** Items that the order names come in that order; the others keep their place after them. */
function inOrder(list: readonly unknown[], order: readonly unknown[], field: string): unknown[] {
  const keys = MERGE_KEYS[field] ?? [];
  const rank = (item: unknown) => {
    const at = order.findIndex(
      (each) =>
        equal(each, item) ||
        (isObject(each) && isObject(item) && keys.some((key) => key in each && equal(each[key], item[key]))),
    );
    return at < 0 ? order.length : at;
  };
  return list
    .map((item, index) => ({ item, index, rank: rank(item) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ item }) => item);
}

function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !key.startsWith("$"))
      .map(([key, member]) => [key, withoutDirectives(member)]),
  );
}
