import { type FSWatcher, watch } from "node:fs";
import { type Clock, sleep } from "../src/clock.ts";
import type { Log } from "../src/log.ts";

const DEFAULT_CHECK_MS = 10_000;
/** A change is often several events, and its files are not all there at the first one. */
const SETTLE_MS = 100;

export interface FolderOptions {
  folder: string;
  clock: Clock;
  log: Log;
  /** Pause between two looks, milliseconds; default 10_000. Events make most changes known at once. */
  checkMs?: number;
  /** Must not reject. */
  look(): Promise<void>;
}

/**
 * Looks at once and whenever something in a folder changes, until the signal is aborted; rejects with its reason.
 * Watches the folder, not the files: a mounted Secret changes by a new target of the link `..data`. File systems
 * lose events, so it looks from time to time as well.
 */
export async function followFolder(options: FolderOptions, signal: AbortSignal): Promise<never> {
  const { clock, look, checkMs = DEFAULT_CHECK_MS } = options;
  watchFolder(options, signal);
  while (true) {
    await look();
    await sleep(clock, checkMs, signal);
  }
}

function watchFolder({ folder, clock, log, look }: FolderOptions, signal: AbortSignal): void {
  let watcher: FSWatcher;
  let settling = false;
  try {
    watcher = watch(folder, { signal, persistent: false });
  } catch (error) {
    log.warn({ err: error, folder }, "The folder can't be watched; it is looked at from time to time");
    return;
  }
  watcher.on("error", (error) => log.warn({ err: error, folder }, "Watching the folder failed"));
  watcher.on("change", () => {
    if (settling) return;
    settling = true;
    clock.schedule(SETTLE_MS, () => {
      settling = false;
      if (!signal.aborted) void look();
    });
  });
}
