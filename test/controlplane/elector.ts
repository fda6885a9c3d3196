import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildCached, builtFolder, type GoBuild, hasGo, isBuilt } from "./go-build.ts";
import { supervise } from "./supervise.ts";

/** One line of elector/main.go's output. */
export interface ElectorEvent {
  readonly event: "started" | "stopped" | "new-leader";
  /** Whom it saw lead with "new-leader" (possibly ""); otherwise the elector itself. */
  readonly identity: string;
  /** Milliseconds since the epoch, by the clock of the machine. */
  readonly timeMs: number;
}

export interface ElectorOptions {
  /** Text of a kubeconfig, as ControlPlane.kubeconfig() returns it. */
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  /** Milliseconds; defaults 15_000, 10_000 and 2_000. client-go refuses what breaks its own relations. */
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  /** Default false, as in client-go. */
  readonly releaseOnCancel?: boolean;
}

/** client-go's leader election in a process of its own. */
export interface ForeignElector {
  readonly events: readonly ElectorEvent[];
  /**
   * The next event of this kind (and identity) that no earlier call returned, waiting for it where necessary. Two
   * calls that wait for the same thing need it to happen twice.
   * Rejects when the elector ends without it.
   */
  next(event: ElectorEvent["event"], identity?: string): Promise<ElectorEvent>;
  /** SIGSTOP and SIGCONT: a process that hangs for a while. */
  freeze(): void;
  thaw(): void;
  /** SIGTERM (default) lets it release the Lease when it was started so; SIGKILL doesn't. Idempotent. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const MODULE = join(import.meta.dirname, "elector");
const BUILDS: readonly GoBuild[] = [
  {
    module: MODULE,
    sources: ["main.go"],
    args: ["-ldflags", "-s -w", "."],
    says: "client-go's elector (once)",
  },
];

/** The program's path, built with Go unless it is in the cache. Undefined where neither is there. */
export async function buildElector(): Promise<string | undefined> {
  if (!isBuilt(builtFolder("elector", BUILDS)) && !hasGo()) return undefined;
  return join(await buildCached("elector", BUILDS), "elector");
}

export async function startElector(options: ElectorOptions): Promise<ForeignElector> {
  const binary = await buildElector();
  if (!binary) throw new Error("No elector: needs Go");
  const folder = mkdtempSync(join(tmpdir(), "elector-"));
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, options.kubeconfig, { mode: 0o600 });

  const events: ElectorEvent[] = [];
  const taken = new Set<ElectorEvent>();
  let changed = Promise.withResolvers<void>();
  let lastWords: string | undefined;
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const args = [
    `--kubeconfig=${kubeconfig}`,
    `--namespace=${options.namespace}`,
    `--name=${options.name}`,
    `--identity=${options.identity}`,
    `--lease-duration=${options.leaseDurationMs ?? 15_000}ms`,
    `--renew-deadline=${options.renewDeadlineMs ?? 10_000}ms`,
    `--retry-period=${options.retryPeriodMs ?? 2_000}ms`,
    `--release-on-cancel=${options.releaseOnCancel ?? false}`,
  ];
  const elector = await supervise(binary, args, {
    logFile: join(folder, "log"),
    folder,
    onLine(line) {
      events.push(JSON.parse(line) as ElectorEvent);
      wake();
    },
  });
  // `exited` comes after the last line: see supervise().
  void elector.exited.then(() => {
    lastWords = elector.logTail();
    wake();
  });

  return {
    events,
    async next(event, identity) {
      for (;;) {
        const found = events.find(
          (seen) =>
            !taken.has(seen) &&
            seen.event === event &&
            (identity === undefined || seen.identity === identity),
        );
        if (found) {
          taken.add(found);
          return found;
        }
        if (lastWords !== undefined) {
          throw new Error(`The elector ended without "${event}": ${JSON.stringify(events)}\n${lastWords}`);
        }
        await changed.promise;
      }
    },
    freeze: () => elector.signal("SIGSTOP"),
    thaw: () => elector.signal("SIGCONT"),
    async stop(signal = "SIGTERM") {
      await elector.stop(signal);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
