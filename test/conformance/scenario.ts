import { sleep, systemClock } from "../../src/clock.ts";
import {
  type Answer,
  type CallExtras,
  expectOk,
  type Json,
  type KubectlOptions,
  type KubectlResult,
} from "../controlplane/index.ts";
import type { Step } from "./golden.ts";
import { Normaliser } from "./normalise.ts";
import type { Target } from "./target.ts";
import { openWatch, type Watch } from "./watch.ts";

/** Those that mean something to a client; the others belong to the connection. */
const SHOWN_HEADERS = ["retry-after", "warning", "allow"];

/** One fact, told as a conversation with a server; what is sent and received becomes the transcript. */
export interface ScenarioCase {
  readonly name: string;
  /** It is skipped where the target has none. */
  readonly needs?: "kubectl" | "auditLog";
  run(s: Scenario): Promise<void>;
}

export type Cleanup = () => void | Promise<void>;

export class Scenario {
  readonly target: Target;
  /** A namespace of this scenario's own; exists, and is shown as NS. */
  readonly namespace: string;
  readonly steps: Step[] = [];
  readonly #normaliser = new Normaliser();
  readonly #cleanups: Cleanup[] = [];

  constructor(target: Target, namespace: string) {
    this.target = target;
    this.namespace = namespace;
    this.#normaliser.mask(namespace, "NS");
  }

  /** Sends and records. */
  async send(method: string, path: string, extras?: CallExtras): Promise<Answer> {
    const answer = await this.target.call(method, path, extras);
    this.record({ did: `${method} ${path}`, ...this.#shown(answer) });
    return answer;
  }

  /** Sends without recording; anything but success is an error. */
  async quietly(method: string, path: string, extras?: CallExtras): Promise<Json> {
    for (;;) {
      const answer = await this.target.call(method, path, extras);
      // What every client does: a type that was defined a moment ago has its storage prepared.
      if (answer.code === 429) await sleep(systemClock, 20);
      else return expectOk(answer);
    }
  }

  /**
   * As `quietly`, and waits until the server's cache shows the result. A write begins from the cached object: while
   * that is behind, the real server runs admission on the old state, fails in storage, and runs it once more.
   */
  async settled(method: string, path: string, extras?: CallExtras): Promise<Json> {
    const written = await this.quietly(method, path, extras);
    const [collection] = path.split("?");
    const name = written.metadata.name;
    const object = method === "POST" ? `${collection}/${name}` : collection!.replace(/\/status$/, "");
    const { resourceVersion } = written.metadata;
    for (;;) {
      const cached = await this.target.call("GET", `${object}?resourceVersion=0`);
      if (cached.code === 200 && cached.json().metadata.resourceVersion === resourceVersion) return written;
    }
  }

  /** Watches without recording; what `take` returns can be noted. */
  async watch(path: string): Promise<Watch> {
    const watch = await openWatch(this.target.call, path);
    this.defer(() => watch.close());
    return watch;
  }

  /** In this scenario's namespace; recorded with its output, ages and column widths evened out. */
  async kubectl(args: readonly string[], options?: KubectlOptions): Promise<KubectlResult> {
    const result = await this.target.kubectl!([`--namespace=${this.namespace}`, ...args], options);
    const { code, stdout, stderr } = result;
    this.record({
      did: `kubectl ${args.join(" ")}`,
      code,
      got: { stdout: even(stdout), stderr: even(stderr) },
    });
    return result;
  }

  /** Records something else that was seen. */
  note(what: string, got: Json): void {
    this.record({ did: what, got });
  }

  mask(text: string, label: string): void {
    this.#normaliser.mask(text, label);
  }

  keepManagedFields(): void {
    this.#normaliser.keepManagedFields();
  }

  /** Runs after the scenario, last first. */
  defer(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup);
  }

  /** Runs every cleanup, whatever becomes of the others; a server left open would keep the process alive. */
  async end(): Promise<void> {
    const failures: unknown[] = [];
    for (const cleanup of this.#cleanups.reverse()) {
      try {
        await cleanup();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "cleanup failed");
  }

  record(step: Step): void {
    this.steps.push(this.#normaliser.value(step));
  }

  #shown(answer: Answer): Omit<Step, "did"> {
    const headers = Object.fromEntries(
      SHOWN_HEADERS.flatMap((name) => {
        const value = answer.headers[name];
        return value === undefined ? [] : [[name, String(value)]];
      }),
    );
    const json = String(answer.headers["content-type"]).startsWith("application/json");
    return {
      code: answer.code,
      ...(Object.keys(headers).length > 0 && { headers }),
      got: json ? answer.json() : answer.text,
    };
  }
}

/** Lines of a table, with one separator whatever the widths, and an age that doesn't grow. */
function even(output: string): string[] {
  return output
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .replace(/\b\d+m?s\b/g, "<age>")
        .replace(/(\S) {2,}/g, "$1  ")
        .trimEnd(),
    );
}
