import { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import { DEFAULT_ROTATION, type RotationPolicy } from "../../certs/rotation.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { SelfManagedCertificates } from "../../certs/self-managed.ts";
import { servingNames } from "../../certs/serving-names.ts";
import type { CertificateSource } from "../../certs/source.ts";
import type { KubeApi } from "../../src/kube/api.ts";
import type { Log } from "../../src/log.ts";
import { certificateProblem } from "./handshake.ts";
import type { Plan } from "./plan.ts";
import type { SimProcess } from "./process.ts";
import type { Random } from "./random.ts";
import { registrations, SYSTEM_NAMESPACE, TARGET } from "./server.ts";

export const CERTIFICATE_SECRET = "beskar7-claim-coordinator-cert";

/** Several serving certificates in a run, and a new authority in most: the shortest that leaves time to notice. */
const SHORT_LIVES = {
  servingLifeMs: 12_000,
  authorityLifeMs: 36_000,
  overlapWaitMs: 4_000,
  retireAfterMs: 8_000,
};
/** Clocks that are minutes apart, or stood still, need certificates that begin further in the past than that. */
const FOR_ODD_CLOCKS = 1_000;
const LOOK_MS = 2_000;

/** The certificate that one replica serves with: the real source of it, in virtual time. */
export class Serving {
  readonly keeper: CaBundleKeeper;
  readonly #source: SelfManagedCertificates;
  #started = false;

  constructor(options: { plan: Plan; api: KubeApi; process: SimProcess; log: Log; random: Random }) {
    const { plan, api, process, log, random } = options;
    this.keeper = new CaBundleKeeper({ api, log, desired: registrations() });
    this.#source = new SelfManagedCertificates({
      store: new SecretStore({ api, namespace: SYSTEM_NAMESPACE, name: CERTIFICATE_SECRET }),
      keeper: this.keeper,
      policy: policyOf(plan),
      clock: process,
      log,
      checkMs: LOOK_MS,
      random: (size) => Uint8Array.from({ length: size }, () => random.integer(0, 255)),
    });
  }

  start(signal: AbortSignal, onChange: () => void): void {
    this.#source.onChange(onChange);
    void this.#source.start(signal).then(() => {
      this.#started = true;
    });
  }

  /** null until there is a first certificate. */
  get source(): CertificateSource | null {
    return this.#started ? this.#source : null;
  }

  /** Why the API server would not talk to this replica at `nowMs`, in Go's words; null: it would. */
  problem(caBundle: string | undefined, nowMs: number): string | null {
    const { source } = this;
    if (source === null) return "connect: connection refused";
    const { name, namespace } = TARGET.service;
    return certificateProblem(source.current().certPem, caBundle ?? "", `${name}.${namespace}.svc`, nowMs);
  }
}

function policyOf({ faults }: Plan): RotationPolicy {
  const names = servingNames(TARGET);
  if (!faults.includes("rotation")) return { ...names, ...DEFAULT_ROTATION };
  if (!faults.includes("clocks") && !faults.includes("freezes")) return { ...names, ...SHORT_LIVES };
  const { servingLifeMs, authorityLifeMs } = SHORT_LIVES;
  return {
    ...names,
    ...SHORT_LIVES,
    servingLifeMs: servingLifeMs * FOR_ODD_CLOCKS,
    authorityLifeMs: authorityLifeMs * FOR_ODD_CLOCKS,
  };
}
