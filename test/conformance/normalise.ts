import type { Json } from "../controlplane/index.ts";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const MICROTIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;
const ADDRESS = /127\.0\.0\.1:\d+/g;

/**
 * Replaces what differs from run to run by names that keep what matters: equal uids stay equal, as do equal
 * resourceVersions. One per scenario, since the names count from the first appearance.
 */
export class Normaliser {
  readonly #uids = new Map<string, string>();
  readonly #versions = new Map<string, string>();
  readonly #masks: [text: string, label: string][] = [];
  #keepsManagedFields = false;

  /** Shows `label` for `text` wherever it stands in a string. */
  mask(text: string, label: string): void {
    this.#masks.push([text, label]);
    this.#masks.sort(([a], [b]) => b.length - a.length);
  }

  keepManagedFields(): void {
    this.#keepsManagedFields = true;
  }

  value(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.value(item));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(inOrder(value))
        .filter(([key]) => key !== "managedFields" || this.#keepsManagedFields)
        // A hash over names of types in Go.
        .filter(([key]) => key !== "storageVersionHash")
        .map(([key, field]) => [
          this.text(key),
          key === "metadata" ? this.#metadata(field) : this.value(field),
        ]),
    );
  }

  text(text: string): string {
    let out = text;
    for (const [secret, label] of this.#masks) out = out.replaceAll(secret, label);
    return out
      .replace(UUID, (uid) => numbered(this.#uids, uid, "uid"))
      .replace(MICROTIME, "<microtime>")
      .replace(TIME, "<time>")
      .replace(ADDRESS, "127.0.0.1:<port>");
  }

  #metadata(metadata: Json): Json {
    const shown = this.value(metadata);
    if (metadata === null || typeof metadata !== "object") return shown;
    if (typeof metadata.continue === "string" && metadata.continue !== "") shown.continue = "<continue>";
    if (typeof metadata.resourceVersion === "string") {
      // A list's and a bookmark's is the whole storage's, which moves on while other scenarios write.
      shown.resourceVersion =
        metadata.name === undefined ? "<now>" : numbered(this.#versions, metadata.resourceVersion, "rv");
    }
    return shown;
  }
}

/** What the real server lists in the order of a Go map, or of seconds: the mistakes of an object, its managers. */
function inOrder(value: Json): Json {
  if (Array.isArray(value.managedFields))
    return { ...value, managedFields: sorted(value.managedFields, managerKey) };
  if (value.kind !== "Status" || !(value.details?.causes?.length > 1)) return value;
  const { causes } = value.details;
  const list = [...new Set(causes.map((cause: Json) => `${cause.field}: ${cause.message}`))];
  return {
    ...value,
    message: value.message.replace(`[${list.join(", ")}]`, `[${list.sort().join(", ")}]`),
    details: { ...value.details, causes: sorted(causes, JSON.stringify) },
  };
}

const managerKey = (entry: Json) => `${entry.manager} ${entry.operation} ${entry.subresource}`;

function sorted(items: readonly Json[], key: (item: Json) => string): Json[] {
  return items.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function numbered(known: Map<string, string>, value: string, prefix: string): string {
  const name = known.get(value) ?? `<${prefix} ${known.size + 1}>`;
  known.set(value, name);
  return name;
}
