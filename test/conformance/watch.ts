import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import type { Json, KubeHttp } from "../controlplane/index.ts";

/** A watch that is slower than this is broken, on whatever machine. */
const WITHIN_MS = 15_000;

export interface WatchEvent {
  readonly type: string;
  readonly object: Json;
}

export interface Watch {
  /** The next `count` events, in order. Rejects when the watch ends or stays silent for too long. */
  take(count: number): Promise<WatchEvent[]>;
  /** Events until one fits, that one included. */
  takeUntil(fits: (event: WatchEvent) => boolean): Promise<WatchEvent[]>;
  /** Resolves with what was not taken yet when the server ends the watch. */
  rest(): Promise<WatchEvent[]>;
  close(): void;
}

/** `path` with `watch=true` among its parameters. Rejects when the answer is not a stream of events. */
export async function openWatch(call: KubeHttp, path: string): Promise<Watch> {
  const message = await call.open("GET", path);
  if (message.statusCode !== 200) throw new Error(`watch ${path}: HTTP ${message.statusCode}`);
  return follow(message, path);
}

function follow(message: IncomingMessage, path: string): Watch {
  const events: WatchEvent[] = [];
  let ended = false;
  let wake = () => {};
  message.on("error", () => {});
  createInterface({ input: message })
    .on("line", (line) => {
      events.push(JSON.parse(line) as WatchEvent);
      wake();
    })
    .on("close", () => {
      ended = true;
      wake();
    });

  async function wait(enough: () => boolean): Promise<void> {
    const silence = AbortSignal.timeout(WITHIN_MS);
    while (!enough()) {
      if (ended) throw new Error(`watch ${path} ended with ${JSON.stringify(events)}`);
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        silence.onabort = () => reject(new Error(`watch ${path} is silent after ${JSON.stringify(events)}`));
      });
    }
  }

  return {
    async take(count) {
      await wait(() => events.length >= count);
      return events.splice(0, count);
    },
    async takeUntil(fits) {
      await wait(() => events.some(fits));
      return events.splice(0, events.findIndex(fits) + 1);
    },
    async rest() {
      await wait(() => ended);
      return events.splice(0);
    },
    close: () => message.destroy(),
  };
}
