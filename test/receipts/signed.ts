import { SecretStore } from "../../certs/secret-store.ts";
import type { Clock } from "../../src/clock.ts";
import type { Log } from "../../src/log.ts";
import { ReceiptKeys } from "../../src/receipts/keys.ts";
import type { Receipt } from "../../src/receipts/receipt.ts";
import { MemoryObjects, memoryApi } from "../certs/memory-api.ts";

/** A key ring of its own, ready to sign. */
export async function newKey(common: { clock: Clock; log: Log }): Promise<ReceiptKeys> {
  const store = new SecretStore({ api: memoryApi(new MemoryObjects()), namespace: "a", name: "certs" });
  const keys = new ReceiptKeys({ ...common, store, keysInUse: () => undefined });
  await keys.look();
  return keys;
}

export function signed(keys: ReceiptKeys, changes: Partial<Receipt> = {}): Promise<string> {
  return keys.sign({
    hostUID: "h-1",
    hostResourceVersion: "41",
    consumer: "Beskar7Machine/default/machine-1",
    consumerUID: "m-1",
    term: "",
    priority: 160,
    atMs: Date.UTC(2026, 0, 1),
    ...changes,
  });
}
