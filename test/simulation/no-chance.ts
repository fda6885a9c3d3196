import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

const SOURCES_OF_CHANCE: readonly (readonly [owner: object, names: readonly string[]])[] = [
  [Date, ["now"]],
  [Math, ["random"]],
  [performance, ["now"]],
  [globalThis, ["setTimeout", "setInterval"]],
  [AbortSignal, ["timeout"]],
  [crypto, ["randomBytes", "randomUUID", "randomInt", "randomFillSync"]],
];

/** Runs `work` while the machine's clocks, timers and randomness throw: what it does follows from its input alone. */
export async function withoutChance<T>(work: () => Promise<T>): Promise<T> {
  const undo: (() => void)[] = [];
  for (const [owner, names] of SOURCES_OF_CHANCE) {
    for (const name of names) {
      const before = Object.getOwnPropertyDescriptor(owner, name);
      Object.defineProperty(owner, name, {
        configurable: true,
        writable: true,
        value: () => {
          throw new TypeError(`${name} in a simulation`);
        },
      });
      undo.push(() => {
        if (before === undefined) Reflect.deleteProperty(owner, name);
        else Object.defineProperty(owner, name, before);
      });
    }
  }
  const RealDate = globalThis.Date;
  globalThis.Date = new Proxy(RealDate, {
    construct(target, args: unknown[], made) {
      if (args.length === 0) throw new TypeError("new Date() in a simulation");
      return Reflect.construct(target, args, made);
    },
  });
  undo.push(() => {
    globalThis.Date = RealDate;
  });
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    for (const each of undo.reverse()) each();
    syncBuiltinESMExports();
  }
}
