import type { KubeApi, KubeList, KubeObject, WatchEvent, WatchOptions } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";

interface Event {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
  readonly version: number;
}
interface Watcher {
  readonly options: WatchOptions;
  readonly end: (error?: KubeError) => void;
  silent: boolean;
  /** What is on its way to a client that is behind. */
  late: WatchEvent[] | undefined;
}

/** One resource of an API server, with its history and its faults, in memory. */
export class FakeResource implements Pick<KubeApi, "list" | "watch"> {
  #version = 1_000;
  #compactedTo = 0;
  readonly #objects = new Map<string, KubeObject>();
  #history: Event[] = [];
  readonly #watchers = new Set<Watcher>();
  /** Thrown by the next calls, one each; a function is asked. */
  readonly faults: (KubeError | (() => KubeError | undefined))[] = [];
  /** Thrown by every call while it is set. */
  outage: KubeError | undefined;
  /** Called when a page of a list is made up, before it is on its way. */
  onPage: (page: number) => void | Promise<void> = () => {};
  lists = 0;
  watches = 0;

  get version(): string {
    return String(this.#version);
  }

  get openWatches(): number {
    return this.#watchers.size;
  }

  get objects(): ReadonlyMap<string, KubeObject> {
    return this.#objects;
  }

  put(name: string, fields: Record<string, unknown> = {}): string {
    const version = ++this.#version;
    const object = { metadata: { name, namespace: "ns", resourceVersion: String(version) }, ...fields };
    const type = this.#objects.has(name) ? "MODIFIED" : "ADDED";
    this.#objects.set(name, object);
    this.#publish({ type, object, version });
    return String(version);
  }

  delete(name: string): void {
    const object = this.#objects.get(name);
    if (object === undefined) return;
    const version = ++this.#version;
    this.#objects.delete(name);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    this.#publish({ type: "DELETED", object: last, version });
  }

  /** Other resources moved the server's version on. */
  tick(): void {
    this.#version += 1;
  }

  bookmark(): void {
    for (const watcher of this.#watchers) this.#send(watcher, "BOOKMARK", bare(this.version));
  }

  /** Forgets history: watches from before are answered 410. */
  compact(): void {
    this.#compactedTo = this.#version;
    this.#history = [];
  }

  /** A backup was restored. */
  rewind(version: number): void {
    this.#version = version;
    this.#history = [];
  }

  breakWatches(): void {
    for (const { end } of [...this.#watchers]) end(new KubeError("KUBE_TRANSPORT", "socket hang up"));
  }

  endWatches(): void {
    for (const { end } of [...this.#watchers]) end();
  }

  /** The connections stay open, but nothing comes through any more. */
  silenceWatches(): void {
    for (const watcher of this.#watchers) watcher.silent = true;
  }

  /** From now on events are late, until `deliver`. */
  delay(): void {
    for (const watcher of this.#watchers) watcher.late ??= [];
  }

  deliver(): void {
    for (const watcher of this.#watchers) {
      const late = watcher.late ?? [];
      watcher.late = undefined;
      for (const event of late) watcher.options.onEvent(event);
    }
  }

  async list(_type: unknown, options: Parameters<KubeApi["list"]>[1] = {}): Promise<KubeList> {
    this.lists += 1;
    this.#fail();
    const start = options.continue === undefined ? undefined : JSON.parse(options.continue);
    const version: string = start?.version ?? this.version;
    const all: KubeObject[] = start?.rest ?? [...this.#objects.values()];
    const limit = options.limit ?? all.length;
    await this.onPage(start?.page ?? 0);
    const rest = all.slice(limit);
    const next =
      rest.length > 0 ? JSON.stringify({ version, rest, page: (start?.page ?? 0) + 1 }) : undefined;
    return {
      metadata: { resourceVersion: version, ...(next !== undefined && { continue: next }) },
      items: structuredClone(all.slice(0, limit)),
    };
  }

  watch(_type: unknown, options: WatchOptions): Promise<void> {
    this.watches += 1;
    return new Promise((resolve, reject) => {
      this.#fail();
      const end = (error?: KubeError) => {
        this.#watchers.delete(watcher);
        if (error === undefined) resolve();
        else reject(error);
      };
      const watcher: Watcher = { options, end, silent: false, late: undefined };
      if (options.signal.aborted) return end(new KubeError("KUBE_ABORTED", "aborted"));
      options.signal.addEventListener("abort", () => end(new KubeError("KUBE_ABORTED", "aborted")));
      this.#watchers.add(watcher);
      options.onOpen?.();
      const from = Number(options.resourceVersion);
      if (from < this.#compactedTo) {
        options.onEvent({ type: "ERROR", object: refusal(410, "Expired").status! });
        return;
      }
      for (const { type, object, version } of this.#history) {
        if (version > from) this.#send(watcher, type, object);
      }
    });
  }

  #fail(): void {
    if (this.outage !== undefined) throw this.outage;
    const fault = this.faults.shift();
    const error = typeof fault === "function" ? fault() : fault;
    if (error !== undefined) throw error;
  }

  #publish(event: Event): void {
    this.#history.push(event);
    for (const watcher of this.#watchers) this.#send(watcher, event.type, event.object);
  }

  #send(watcher: Watcher, type: Event["type"] | "BOOKMARK", object: KubeObject): void {
    if (watcher.silent) return;
    const event = { type, object: structuredClone(object) };
    if (watcher.late !== undefined) watcher.late.push(event);
    else watcher.options.onEvent(event);
  }
}

function bare(resourceVersion: string): KubeObject {
  return { metadata: { name: "", resourceVersion } };
}

export function refusal(code: number, reason: string, causes: string[] = []): KubeError {
  return new KubeError("KUBE_STATUS", reason, {
    status: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      reason,
      code,
      ...(causes.length > 0 && { details: { causes: causes.map((cause) => ({ reason: cause })) } }),
    },
  });
}
