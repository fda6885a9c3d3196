import { KubeError } from "../../src/kube/errors.ts";
import type { ChaosCluster } from "./cluster.ts";
import { DEEDS, type Deed, type Outcome } from "./deeds.ts";
import type { Fault, PlannedFault } from "./schedule.ts";

/** How long a fault that is to strike in the middle of a claim waits for one. */
const BINDING_WITHIN_MS = 2_000;

/** One at a time, in turn: each takes away, or needs, the server that another one takes away. */
const TAKING_THE_SERVER: readonly Fault[] = [
  "api-server-kill",
  "api-server-restart",
  "api-server-freeze",
  "etcd-restart",
  "compaction",
];
/** A gate that is closed twice would forget who waits behind it. */
const AT_THE_GATE: readonly Fault[] = ["late-storage"];

/** Makes faults happen and says what became of them. */
export class Faults {
  /** Seen to strike. */
  readonly done = new Map<Fault, number>();
  readonly missed = new Map<string, number>();
  readonly #cluster: Pick<ChaosCluster, "untilBinding" | "violated">;
  readonly #deeds: Record<Fault, Deed>;
  readonly #note: (what: string) => void;
  readonly #turns = new Map<readonly Fault[], Promise<void>>();
  /** How often the server was taken away until now, and whether it is. */
  #taken = 0;
  #taking = false;

  constructor(
    cluster: Pick<ChaosCluster, "untilBinding" | "violated">,
    note: (what: string) => void,
    deeds: Record<Fault, Deed> = DEEDS,
  ) {
    this.#cluster = cluster;
    this.#note = note;
    this.#deeds = deeds;
  }

  /** Resolves when the fault is over; one that can't be done although nothing excuses it is a violation. */
  async strike(planned: PlannedFault): Promise<void> {
    const { fault, moment } = planned;
    let outcome: Outcome | "failed";
    try {
      if (moment === "binding") await this.#cluster.untilBinding(BINDING_WITHIN_MS);
      const lane = [TAKING_THE_SERVER, AT_THE_GATE].find((faults) => faults.includes(fault));
      outcome = await (lane === undefined ? this.#reaching(planned) : this.#inTurn(lane, planned));
    } catch (error) {
      this.#cluster.violated(
        `${fault} could not be done: ${error instanceof Error ? error.stack : String(error)}`,
      );
      outcome = "failed";
    }
    if (outcome === "done") count(this.done, fault);
    else count(this.missed, `${fault} (${outcome})`);
    this.#note(`${fault} is over: ${outcome}`);
  }

  #begin(planned: PlannedFault): Promise<Outcome> {
    const { fault } = planned;
    this.#note(`${fault} begins: ${JSON.stringify(planned)}`);
    return this.#deeds[fault](this.#cluster as ChaosCluster, planned);
  }

  async #inTurn(lane: readonly Fault[], planned: PlannedFault): Promise<Outcome> {
    const before = this.#turns.get(lane);
    const mine = Promise.withResolvers<void>();
    this.#turns.set(lane, mine.promise);
    await before;
    try {
      return await (lane === TAKING_THE_SERVER ? this.#take(planned) : this.#begin(planned));
    } finally {
      mine.resolve();
    }
  }

  async #take(planned: PlannedFault): Promise<Outcome> {
    this.#taken++;
    this.#taking = true;
    try {
      return await this.#begin(planned);
    } finally {
      this.#taking = false;
    }
  }

  /** Done again when the API server is back, where another fault had taken it away meanwhile. */
  async #reaching(planned: PlannedFault): Promise<Outcome> {
    for (;;) {
      const takenBefore = this.#taken;
      const wasAway = this.#taking;
      try {
        return await this.#begin(planned);
      } catch (error) {
        const excused = wasAway || this.#taken > takenBefore;
        if (!isAbsence(error) || !excused) throw error;
        this.#note(`${planned.fault} comes again when the API server is back: ${(error as Error).message}`);
        await this.#turns.get(TAKING_THE_SERVER);
      }
    }
  }
}

/** Whether it says that the API server, or etcd behind it, was not there; not that it refused something. */
function isAbsence(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  if (error.code !== "KUBE_STATUS") return error.code !== "KUBE_ABORTED";
  const { code = 0 } = error.status ?? {};
  return code === 429 || code >= 500;
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
