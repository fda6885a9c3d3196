/**
 * Loaded into a replica before its own code (`--import`): tells at `SOAK_PROBE_PORT` what the process holds on to,
 * after full collections.
 */
import { createServer } from "node:http";
import { Session } from "node:inspector";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface SoakSample {
  /** Where the people's door is, by the flags of the process. */
  readonly metricsPort: number;
  /** After a full collection; typed arrays count too. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Sockets, servers and the like that are open. */
  readonly handles: number;
  readonly timers: number;
  /** In all Maps and Sets of the process together. */
  readonly entries: number;
  /** The largest of them, with a key of each to know it by. */
  readonly largest: readonly Collection[];
}

interface Collection {
  readonly size: number;
  readonly key: string;
}

const LARGEST = 8;
const METRICS = "--metrics-bind-address=";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function sample(): SoakSample {
  const collections = [...collectionsOf("Map"), ...collectionsOf("Set")].sort((a, b) => b.size - a.size);
  // The second pass takes what the first one's finalizers let go.
  collect();
  collect();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((resource) => resource === "Timeout").length;
  return {
    metricsPort: Number(
      process.argv
        .findLast((word) => word.startsWith(METRICS))
        ?.split(":")
        .at(-1),
    ),
    heapBytes: heapUsed + arrayBuffers,
    residentBytes: rss,
    handles: resources.length - timers,
    timers,
    entries: collections.reduce((sum, { size }) => sum + size, 0),
    largest: collections.slice(0, LARGEST),
  };
}

/** Private fields hide most collections from any walk over objects; the inspector finds them by their prototype. */
function collectionsOf(type: "Map" | "Set"): Collection[] {
  const session = new Session();
  session.connect();
  try {
    const prototype = ask<{ result: { objectId: string } }>(session, "Runtime.evaluate", {
      expression: `${type}.prototype`,
      objectGroup: "soak",
    });
    const found = ask<{ objects: { objectId: string } }>(session, "Runtime.queryObjects", {
      prototypeObjectId: prototype.result.objectId,
      objectGroup: "soak",
    });
    const told = ask<{ result: { value: Collection[] } }>(session, "Runtime.callFunctionOn", {
      objectId: found.objects.objectId,
      functionDeclaration: `function () {
        const { get } = Object.getOwnPropertyDescriptor(${type}.prototype, "size");
        // What only inherits from it has no size.
        const sizeOf = (each) => { try { return get.call(each); } catch { return 0; } };
        const keyOf = (each) => ${type}.prototype.keys.call(each).next().value;
        return this.filter((each) => sizeOf(each) > 0).map((each) => {
          const key = keyOf(each);
          return { size: sizeOf(each), key: typeof key === "string" ? key.slice(0, 100) : typeof key };
        });
      }`,
      returnByValue: true,
    });
    ask(session, "Runtime.releaseObjectGroup", { objectGroup: "soak" });
    return told.result.value;
  } finally {
    session.disconnect();
  }
}

/** A session of the same thread answers before it returns. */
function ask<T>(session: Session, method: string, parameters: object): T {
  let answer: T | undefined;
  session.post(method, parameters, (error, result) => {
    if (error !== null) throw error;
    answer = result as T;
  });
  return answer as T;
}

createServer((_request, response) => {
  response.setHeader("connection", "close");
  response.end(JSON.stringify(sample()));
})
  .listen(Number(process.env.SOAK_PROBE_PORT), "127.0.0.1")
  .unref();
