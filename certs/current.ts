import assert from "node:assert/strict";
import type { ServingCertificate } from "./source.ts";

/** Holds the newest certificate and tells who wants to know; what every source has in common. */
export class CurrentCertificate {
  #value: ServingCertificate | undefined;
  readonly #listeners = new Set<(certificate: ServingCertificate) => void>();

  get(): ServingCertificate {
    assert(this.#value !== undefined, "a certificate source is asked only after it has started");
    return this.#value;
  }

  has(): boolean {
    return this.#value !== undefined;
  }

  /** True when this is another certificate, or other trust, than before. */
  set(value: ServingCertificate): boolean {
    const known = this.#value;
    if (known?.certPem === value.certPem && known.keyPem === value.keyPem && known.caPem === value.caPem) {
      return false;
    }
    this.#value = value;
    for (const listener of this.#listeners) listener(value);
    return true;
  }

  subscribe(listener: (certificate: ServingCertificate) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
