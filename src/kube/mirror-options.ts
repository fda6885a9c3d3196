import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { KubeApi, KubeObject, ResourceType } from "./api.ts";
import type { MirrorChange } from "./mirror-store.ts";

export interface MirrorOptions<T> {
  api: Pick<KubeApi, "list" | "watch">;
  type: ResourceType;
  clock: Clock;
  log: Log;
  /** Numbers from 0 to 1. */
  random: () => number;
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /**
   * What to keep of an object; null: nothing. Called once for each version that arrives; the object is dropped
   * afterwards. Items of lists of built-in types come without kind and apiVersion.
   */
  project(object: KubeObject): T | null;
  /** Called after the mirror has changed; a list's changes are told when all of them are in. */
  onChange?(change: MirrorChange<T>): void;
  /** Called around the changes of one list, for a listener that takes many at once more cheaply than one by one. */
  batch?(tell: () => void): void;
  /** The server's history went back: called before what is listed now is told, whose versions may be older. */
  onRewound?(): void;
  /** Called after the changes of each list were told. */
  onListed?(): void;
  /** Called once, after the first list. */
  onSynced?(): void;
  /** A list is repeated after this time, against events that were lost for whatever reason; default 600_000. */
  relistMs?: number;
  /**
   * A watch that delivers nothing, not even a bookmark, for this long is dead; default 60_000. The server is
   * asked to end each watch, with a bookmark, well before that, so that a living one is never taken for dead.
   */
  silentMs?: number;
  /**
   * Objects asked for in one call of a list; default 200. The official clients ask for 500; with hosts of 7 KB their
   * pages cost 10 MB more of resident memory, and 100 costs the API server a third more processor time.
   */
  pageSize?: number;
}

/**
 * starting: nothing is known yet. following: listed, and a watch is open. interrupted: listed once, but no watch
 * is open now. absent: the server does not know the resource (its CRD is missing), so there are no objects.
 * forbidden: we may not list or watch it.
 */
export type MirrorState = "starting" | "following" | "interrupted" | "absent" | "forbidden";
