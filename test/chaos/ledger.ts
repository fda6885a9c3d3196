import { isHeldBy } from "../../src/coordinator/facts.ts";
import { MODE_ANNOTATION } from "../../src/hosts/annotations.ts";
import { physicalHostProfile } from "../../src/hosts/physical-host.ts";
import type { Change } from "../../src/sandbox/store.ts";
import { SafetyCheck } from "../../src/workload/checks.ts";
import { RequestCheck } from "../simulation/request-check.ts";
import { checkStorage } from "../simulation/storage-check.ts";
import { HOSTS, REQUESTS } from "../simulation/stored.ts";
import type { ReplayedShelf } from "./shelf.ts";

/**
 * What must never be seen in the API server's history, checked version by version: no host changes hands without a
 * release, no consumer gets a second host, each claim was covered by a binding that names the host in that version
 * (under a leader and without one), no request goes while its write may land or while its machine needs it.
 */
export class Ledger {
  readonly violations: string[] = [];
  readonly counts = { leader: 0, optimistic: 0, unstamped: 0, releases: 0, requests: 0, versions: 0 };
  readonly #requests: RequestCheck;
  readonly #safety = new SafetyCheck();

  constructor(settled: ReplayedShelf) {
    const violated = (sentence: string) => void this.violations.push(sentence);
    checkStorage(settled, violated);
    this.#requests = new RequestCheck(settled, violated);
    settled.subscribe(HOSTS, (change) => this.#noteHost(change));
    settled.subscribe(REQUESTS, ({ type }) => {
      if (type === "ADDED") this.counts.requests++;
    });
  }

  /** Somebody is about to delete the request of this uid himself. */
  renounce(uid: string): void {
    this.#requests.renounce(uid);
  }

  #noteHost({ type, object, previous }: Change): void {
    this.counts.versions++;
    const host = physicalHostProfile.readHost(object);
    this.violations.push(...this.#safety.note({ type, host }));
    const before = previous === undefined ? null : physicalHostProfile.readHost(previous);
    if (type === "DELETED") return;
    if (host.consumer === null) {
      if (before !== null && before.consumer !== null) this.counts.releases++;
      return;
    }
    if (before !== null && isHeldBy(before, host.consumer)) return;
    const mode = object.metadata.annotations?.[MODE_ANNOTATION];
    if (mode === "leader" || mode === "optimistic") this.counts[mode]++;
    else this.counts.unstamped++;
  }
}
