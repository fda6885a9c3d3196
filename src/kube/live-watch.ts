import type { Clock, Timer } from "../clock.ts";
import type { KubeApi, KubeObject, KubeStatus, ResourceType, WatchEvent, WatchOptions } from "./api.ts";
import { isTooManyRequests, KubeError } from "./errors.ts";

export interface LiveWatchOptions extends Omit<WatchOptions, "onEvent"> {
  api: Pick<KubeApi, "watch">;
  type: ResourceType;
  clock: Clock;
  /** A watch that delivers nothing, not even a bookmark, for this long is given up. */
  silentMs: number;
  /** The server has accepted the watch; it may yet find that its version is too old, and send an ERROR. */
  onOpen(): void;
  onEvent(type: Exclude<WatchEvent["type"], "ERROR">, object: KubeObject): void;
}

/** A watch that ends sooner with nothing delivered counts as a failure, lest it be reopened in a busy loop. */
const SHORTEST_WATCH_MS = 1_000;

/**
 * One watch, which ends for certain: resolves with how ("ended": by the server, as agreed; "silent": given up),
 * rejects with a KubeError when it is refused, breaks, delivers an ERROR, or `signal` is aborted.
 */
export async function watchWhileAlive(options: LiveWatchOptions): Promise<"ended" | "silent"> {
  const { api, type, clock, silentMs, signal } = options;
  const abort = new AbortController();
  const onAbort = () => abort.abort(signal.reason);
  const openedAtMs = clock.monotonicMs();
  let silence: Timer | undefined;
  let silent = false;
  let delivered = false;
  let failure: KubeError | undefined;
  const listen = () => {
    silence?.cancel();
    silence = clock.schedule(silentMs, () => {
      silent = true;
      abort.abort();
    });
  };

  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  listen();
  try {
    await api.watch(type, {
      resourceVersion: options.resourceVersion,
      ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
      ...(options.namespace !== undefined && { namespace: options.namespace }),
      ...(options.labelSelector !== undefined && { labelSelector: options.labelSelector }),
      ...(options.fieldSelector !== undefined && { fieldSelector: options.fieldSelector }),
      signal: abort.signal,
      onOpen() {
        listen();
        options.onOpen();
      },
      onEvent(event) {
        if (abort.signal.aborted) return;
        if (event.type === "ERROR") {
          failure = watchError(event.object as KubeStatus);
          abort.abort();
          return;
        }
        delivered = true;
        listen();
        options.onEvent(event.type, event.object as KubeObject);
      },
    });
  } catch (error) {
    if (silent) return "silent";
    throw failure ?? error;
  } finally {
    silence?.cancel();
    signal.removeEventListener("abort", onAbort);
  }
  if (failure !== undefined) throw failure;
  if (!delivered && clock.monotonicMs() - openedAtMs < SHORTEST_WATCH_MS) {
    throw new KubeError("KUBE_TRANSPORT", `a watch of ${type.plural} ended as soon as it was opened`);
  }
  return "ended";
}

function watchError(status: KubeStatus): KubeError {
  return new KubeError(
    "KUBE_STATUS",
    `watch: ${status.code} ${status.reason ?? ""}: ${status.message ?? ""}`,
    {
      status,
    },
  );
}

/**
 * Whether a watch from the same version will fail again, so that only a list helps. Overload and missing rights
 * pass by themselves.
 */
export function needsList(error: unknown): boolean {
  if (!(error instanceof KubeError) || error.code !== "KUBE_STATUS") return false;
  // The server's answer to a version that it has not reached: it lost its history, or lags behind its peers.
  if (error.status?.details?.causes?.some((cause) => cause.reason === "ResourceVersionTooLarge")) return true;
  const code = error.status?.code ?? 0;
  return code < 500 && code !== 401 && code !== 403 && !isTooManyRequests(error);
}
