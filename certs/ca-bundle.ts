import { isDeepStrictEqual } from "node:util";
import type { CallOptions, KubeApi, KubeObject, ResourceType } from "../src/kube/api.ts";
import { isConflict, isNotFound } from "../src/kube/errors.ts";
import { MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../src/kube/types.ts";
import type { Log } from "../src/log.ts";
import { registrationDifferences, webhookEntries } from "./registration-diff.ts";

/** A webhook configuration of ours as the API server has it. */
export interface Registration {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

export interface CaBundleKeeperOptions {
  api: KubeApi;
  /** The configurations as they should be, from webhooks/registration.ts. */
  desired: readonly KubeObject[];
  log: Log;
}

/** Told of a configuration of ours that was edited, and again (of no differences) when it is as it should be. */
export type EditListener = (registration: KubeObject, differences: readonly string[]) => void;

const TYPES = [MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS];

/**
 * Keeps the caBundle of our webhook configurations current, and nothing else about them: what a person edited is
 * reported and stays; what a person deleted stays deleted.
 */
export class CaBundleKeeper {
  readonly #options: CaBundleKeeperOptions;
  /** What was edited, by the kind of configuration, as of the last look; so a lasting situation is told once. */
  readonly #differences = new Map<string, readonly string[]>();
  readonly #listeners = new Set<EditListener>();

  constructor(options: CaBundleKeeperOptions) {
    this.#options = options;
  }

  onEdited(listener: EditListener): void {
    this.#listeners.add(listener);
  }

  /** By kind of configuration, how many settings are not as installed; what does not exist has no entry. */
  *edits(): Iterable<{ kind: string; count: number }> {
    for (const [kind, differences] of this.#differences) yield { kind, count: differences.length };
  }

  /**
   * Those of our registrations that exist. Read before the trust that repair() writes: so whoever publishes an older
   * bundle gets a conflict, however long it slept in between.
   */
  async read(call: CallOptions = {}): Promise<Registration[]> {
    const { api, desired } = this.#options;
    const found = await Promise.all(
      desired.map(async (wanted) => {
        const type = TYPES.find(({ kind }) => kind === wanted.kind)!;
        try {
          const object = await api.get(type, { name: wanted.metadata.name }, call);
          this.#report(wanted, object);
          return [{ type, object }];
        } catch (error) {
          if (!isNotFound(error)) throw error;
          this.#differences.delete(type.kind);
          return [];
        }
      }),
    );
    return found.flat();
  }

  /** Whether every entry of ours trusts this authority, perhaps among others. */
  carry(registrations: readonly Registration[], authorityPem: string): boolean {
    return registrations.every((registration) =>
      this.#entries(registration).every(({ entry }) => bundleOf(entry).includes(authorityPem.trim())),
    );
  }

  /**
   * Writes the bundle into each entry of ours that has another one; false when somebody else wrote meanwhile. Other
   * errors reject with a KubeError.
   */
  async repair(
    registrations: readonly Registration[],
    caPem: string,
    call: CallOptions = {},
  ): Promise<boolean> {
    let complete = true;
    const value = Buffer.from(caPem).toString("base64");
    for (const registration of registrations) {
      const { type, object } = registration;
      const stale = this.#entries(registration).filter(({ entry }) => bundleOf(entry) !== caPem);
      if (stale.length === 0) continue;
      const body = [
        // As a replacement it is a precondition that fails with a Conflict; as a test it would fail as Invalid.
        { op: "replace", path: "/metadata/resourceVersion", value: object.metadata.resourceVersion },
        ...stale.map(({ index }) => ({ op: "add", path: `/webhooks/${index}/clientConfig/caBundle`, value })),
      ];
      try {
        await this.#options.api.patch(type, { name: object.metadata.name }, { type: "json", body }, call);
        this.#options.log.info({ kind: type.kind, name: object.metadata.name }, "Updated the caBundle");
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
        complete = false;
      }
    }
    return complete;
  }

  #entries({ type, object }: Registration) {
    const wanted = this.#options.desired.find(({ kind }) => kind === type.kind)!;
    const names = new Set(webhookEntries(wanted).map((entry) => entry.name));
    return webhookEntries(object)
      .map((entry, index) => ({ entry, index }))
      .filter(({ entry }) => names.has(entry.name));
  }

  #report(wanted: KubeObject, actual: KubeObject): void {
    const kind = wanted.kind ?? "";
    const { name } = wanted.metadata;
    const differences = registrationDifferences(wanted, actual);
    const known = this.#differences.get(kind) ?? [];
    this.#differences.set(kind, differences);
    if (isDeepStrictEqual(differences, known)) return;
    const { log } = this.#options;
    if (differences.length > 0) log.warn({ kind, name, differences }, "The registration was edited");
    else log.info({ kind, name }, "The registration is as it should be again");
    for (const listener of this.#listeners) listener(actual, differences);
  }
}

function bundleOf(entry: { clientConfig?: { caBundle?: string } }): string {
  return Buffer.from(entry.clientConfig?.caBundle ?? "", "base64").toString("utf8");
}
