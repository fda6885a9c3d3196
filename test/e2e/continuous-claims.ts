import { isInternal, REJECT_REASONS } from "../../src/claims/reasons.ts";
import { KubeError } from "../../src/kube/errors.ts";
import type { Objects } from "./objects.ts";
import { type Refusal, readStatus } from "./refusal.ts";
import { type PodClient, until } from "./rig.ts";

/**
 * Machines that claim a host and give it back, over and over, until they are told to end: each with a host that
 * nobody else tries, so that without a leader every claim has to pass.
 */
export class ContinuousClaims {
  /** Claims that passed. */
  claimed = 0;
  /** Claims that were refused, after which the machine had a host all the same: the leader gave it one. */
  served = 0;
  /** Refusals by reason; "Conflict" where the API server itself refused an outdated version. */
  readonly refusals = new Map<string, number>();
  /** What is no verdict: the webhook could not be called, or could not judge. */
  readonly failures: string[] = [];
  readonly #objects: Objects;
  #over = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(objects: Objects) {
    this.#objects = objects;
  }

  /** One machine for each of these clients. */
  static async start(objects: Objects, clients: readonly PodClient[]): Promise<ContinuousClaims> {
    const claims = new ContinuousClaims(objects);
    for (const index of clients.keys()) {
      await objects.machine(`machine-${index}`);
      await objects.host(`host-${index}`);
    }
    claims.#running = Promise.all(
      clients.map((client, index) =>
        claims.#claimOnAndOn(client, index).catch((error) => void claims.failures.push(String(error))),
      ),
    );
    return claims;
  }

  /** Polls a condition; ends also when something has failed, after which many a condition never comes true. */
  async until(condition: () => Promise<boolean> | boolean): Promise<void> {
    await until(() => this.failures.length > 0 || condition());
  }

  /** Resolves when the claims under way are answered. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  async #claimOnAndOn({ api }: PodClient, index: number): Promise<void> {
    const machine = `machine-${index}`;
    while (!this.#over) {
      const host = await this.#objects.getHost(`host-${index}`);
      let passed = false;
      try {
        await this.#objects.claim(api, host, machine);
        passed = true;
        this.claimed++;
      } catch (error) {
        this.#note(error);
      }
      for (const held of await this.#objects.hostsOf(machine)) {
        await this.#objects.release(api, held);
        if (passed) continue;
        this.served++;
        // Its request would otherwise be written by two at once: for the host that is gone, and for the next.
        await until(async () => !["Binding", "Bound"].includes(await this.#objects.phaseOf(machine)));
      }
    }
  }

  #note(error: unknown): void {
    const refusal =
      error instanceof KubeError && error.status !== undefined ? readStatus(error.status) : null;
    const reason = refusal === null ? undefined : verdictOf(refusal);
    if (reason === undefined) this.failures.push(`${error} ${JSON.stringify(refusal?.facts ?? {})}`);
    else this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  }
}

/** What a controller takes for a verdict and goes on from; undefined where something has failed. */
function verdictOf({ verdict, code, facts }: Refusal): string | undefined {
  if (verdict === "") return code === 409 ? "Conflict" : undefined;
  const reason = REJECT_REASONS.find((known) => known === verdict);
  if (reason === undefined || !isInternal(reason)) return reason;
  // Two who write the same ClaimRequest at once: a conflict like any other.
  const isConflict = reason === "BindingConflict" || facts.Detail === "its ClaimRequest keeps changing";
  return isConflict ? reason : undefined;
}
