import type { CallOptions, KubeApi, KubeObject } from "../src/kube/api.ts";
import { isNotFound } from "../src/kube/errors.ts";
import { SECRETS } from "../src/kube/types.ts";

/** The decoded data of the Secret, and the version that it was read at. */
export interface SecretSnapshot {
  /** Text by key; empty where there is no Secret. */
  readonly data: Readonly<Record<string, string>>;
  /** undefined: there is no Secret. */
  readonly object: KubeObject | undefined;
}

/**
 * The one Secret that all replicas share: certificates and receipt keys. Whoever writes names the version it has
 * read, so of two writers one gets a conflict, and reads again.
 */
export class SecretStore {
  readonly #api: KubeApi;
  readonly #key: { namespace: string; name: string };

  constructor(options: { api: KubeApi; namespace: string; name: string }) {
    this.#api = options.api;
    this.#key = { namespace: options.namespace, name: options.name };
  }

  /** "namespace/name", for messages. */
  get name(): string {
    return `${this.#key.namespace}/${this.#key.name}`;
  }

  async read(options: CallOptions = {}): Promise<SecretSnapshot> {
    try {
      const object = await this.#api.get(SECRETS, this.#key, options);
      const data = Object.entries((object.data ?? {}) as Record<string, string>).map(([key, value]) => [
        key,
        Buffer.from(value, "base64").toString("utf8"),
      ]);
      return { data: Object.fromEntries(data), object };
    } catch (error) {
      if (isNotFound(error)) return { data: {}, object: undefined };
      throw error;
    }
  }

  /**
   * Sets keys (or removes them: null), leaves the others alone, creates the Secret where there is none. Rejects with
   * a KubeError: Conflict or AlreadyExists when somebody was faster.
   */
  async write(
    snapshot: SecretSnapshot,
    changes: Readonly<Record<string, string | null>>,
    options: CallOptions = {},
  ): Promise<void> {
    const texts = Object.entries({ ...snapshot.data, ...changes }).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    );
    const data = Object.fromEntries(texts.map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
    if (snapshot.object === undefined) {
      const metadata = { ...this.#key, labels: { "app.kubernetes.io/name": "beskar7-claim-coordinator" } };
      await this.#api.create(
        SECRETS,
        { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, data },
        options,
      );
    } else {
      await this.#api.update(SECRETS, { ...snapshot.object, data }, options);
    }
  }
}
