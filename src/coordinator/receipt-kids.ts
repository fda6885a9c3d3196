import { RECEIPT_ANNOTATION } from "../hosts/annotations.ts";
import type { KubeObject } from "../kube/api.ts";
import { receiptKeyId } from "../receipts/receipt.ts";

/** Which keys signed the receipts that hosts carry: a retired key is published as long as one of them needs it. */
export class ReceiptKids {
  readonly #byHost = new Map<string, string>();

  note(host: KubeObject): void {
    const receipt = host.metadata.annotations?.[RECEIPT_ANNOTATION];
    const kid = receipt === undefined ? undefined : receiptKeyId(receipt);
    const uid = host.metadata.uid ?? "";
    if (kid === undefined) this.#byHost.delete(uid);
    else this.#byHost.set(uid, kid);
  }

  forget(uid: string): void {
    this.#byHost.delete(uid);
  }

  inUse(): ReadonlySet<string> {
    return new Set(this.#byHost.values());
  }
}
