import { RECEIPT_ANNOTATION } from "../hosts/annotations.ts";
import type { KubeObject } from "../kube/api.ts";

/** Which keys signed the receipts that hosts carry: a retired key is published as long as one of them needs it. */
export class ReceiptKids {
  readonly #byHost = new Map<string, string>();

  note(host: KubeObject): void {
    const kid = kidOf(host.metadata.annotations?.[RECEIPT_ANNOTATION]);
    const uid = host.metadata.uid ?? "";
    if (kid === "") this.#byHost.delete(uid);
    else this.#byHost.set(uid, kid);
  }

  forget(uid: string): void {
    this.#byHost.delete(uid);
  }

  inUse(): ReadonlySet<string> {
    return new Set(this.#byHost.values());
  }
}

/** The kid in a compact JWS's header; "" where there is none. What it says is not trusted, only kept alive. */
function kidOf(receipt: string | undefined): string {
  if (receipt === undefined) return "";
  try {
    const { kid } = JSON.parse(
      Buffer.from(receipt.slice(0, receipt.indexOf(".")), "base64url").toString("utf8"),
    );
    return typeof kid === "string" ? kid : "";
  } catch {
    return "";
  }
}
