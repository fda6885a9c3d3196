import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";

/**
 * The first argument is the log file, the second the folder to remove, the rest the command. `$$` stays the process
 * id of the command because `exec` replaces the shell. The guard blocks on a pipe whose other end only this test
 * process holds: the kernel closes it however the test process ends, kill -9 included. A line on the pipe says that
 * the command ended by itself, so that the guard never signals a process id that another process got meanwhile.
 */
const GUARDED = `
folder=$1; shift
(
  trap '' INT TERM HUP
  if ! read -r over <&3; then kill -9 $$; rm -rf "$folder"; fi
) >/dev/null 2>&1 &
exec "$@" 3<&-`;

export interface Supervised {
  /** Process id of the command itself, for SIGSTOP and SIGCONT. */
  readonly pid: number;
  /** Resolves with the exit code, or the name of the signal, after the last line of output was handed out. */
  readonly exited: Promise<string>;
  readonly hasExited: () => boolean;
  signal(name: NodeJS.Signals): void;
  /** Sends the signal (default SIGKILL) and waits for the end. */
  stop(name?: NodeJS.Signals): Promise<void>;
  /** The last lines of its output, for error messages. */
  logTail(): string;
}

export interface SuperviseOptions {
  readonly logFile: string;
  /** Removed when this process dies before it could do so itself. */
  readonly folder: string;
  /** Called with each line of standard output, which then does not go to the log file. */
  readonly onLine?: (line: string) => void;
  /** Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Starts a command that can't outlive this process, in a process group of its own (a Ctrl-C in the terminal reaches
 * the tests first, and they stop what they started).
 */
export async function supervise(
  command: string,
  args: readonly string[],
  options: SuperviseOptions,
): Promise<Supervised> {
  const log = openSync(options.logFile, "a");
  const child: ChildProcess = spawn("sh", ["-c", GUARDED, "sh", options.folder, command, ...args], {
    stdio: ["ignore", options.onLine ? "pipe" : log, log, "pipe"],
    detached: true,
    ...(options.env && { env: options.env }),
  });
  closeSync(log);
  if (options.onLine) createInterface({ input: child.stdout! }).on("line", options.onLine);
  const guard = child.stdio[3] as Writable;
  // The guard may be gone already when the line is written: that is the end wanted.
  guard.on("error", () => {});
  let over = false;
  child.once("exit", () => {
    over = true;
    guard.end("over\n");
  });
  const exited = new Promise<string>((resolve) => {
    child.once("close", (code, signal) => resolve(signal ?? String(code)));
  });
  await once(child, "spawn");
  return {
    pid: child.pid!,
    exited,
    hasExited: () => over,
    signal: (name) => void child.kill(name),
    async stop(name = "SIGKILL") {
      if (!over) child.kill(name);
      await exited;
    },
    logTail: () => readFileSync(options.logFile, "utf8").split("\n").slice(-25).join("\n"),
  };
}
