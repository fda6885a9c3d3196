import { systemClock } from "../../src/clock.ts";
import { specOf } from "../../src/hosts/fields.ts";
import type { KubeApi, KubeObject } from "../../src/kube/api.ts";
import type { KubeClient } from "../../src/kube/client.ts";
import { isConflict, KubeError } from "../../src/kube/errors.ts";
import { PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { Beskar7 } from "../../src/workload/beskar7.ts";
import { apiFor, type Rig } from "../e2e/rig.ts";
import { Link } from "./link.ts";
import { kubeconfigThrough, longToken } from "./member.ts";

export type Release = "current" | "v0.3.4";

/** What became of the claims that controllers sent. */
export interface Attempts {
  sent: number;
  stored: number;
  /** 409: somebody was faster, or the service said no. */
  refused: number;
  /** No answer, or one that says nothing about the claim. */
  failed: number;
}

/** One active replica of Beskar7's manager, behind a link to the API server. */
export class Contender {
  readonly link: Link;
  readonly #api: KubeApi;
  readonly #client: KubeClient;
  readonly #release: Release;
  readonly #namespace: string;
  #work = new AbortController();

  private constructor(
    link: Link,
    client: KubeClient,
    options: { release: Release; namespace: string; attempts: Attempts },
  ) {
    this.link = link;
    this.#client = client;
    this.#api = counted(client, options.attempts);
    this.#release = options.release;
    this.#namespace = options.namespace;
  }

  static async start(
    rig: Rig,
    pod: string,
    options: { release: Release; namespace: string; attempts: Attempts },
  ): Promise<Contender> {
    const link = await Link.to(Number(new URL(rig.plane.url).port));
    const token = await longToken(rig, "beskar7", pod);
    const contender = new Contender(link, apiFor(kubeconfigThrough(rig, link, token)), options);
    contender.#begin();
    return contender;
  }

  /** Forgets everything it knows, as a new process of the same pod would; what it has sent goes its way. */
  restart(): void {
    this.#work.abort();
    this.#begin();
  }

  async stop(): Promise<void> {
    this.#work.abort();
    this.#client.close();
    await this.link.close();
  }

  #begin(): void {
    const work = new AbortController();
    this.#work = work;
    const controller = new Beskar7({
      api: this.#api,
      clock: systemClock,
      log: silentLog,
      random: Math.random,
      release: this.#release,
      namespace: this.#namespace,
    });
    controller.start(work.signal).catch((error: unknown) => {
      if (!work.signal.aborted) throw error;
    });
  }
}

function counted(api: KubeApi, attempts: Attempts): KubeApi {
  return {
    ...api,
    async patch(type, key, patch, options): Promise<KubeObject> {
      const sent = api.patch(type, key, patch, options);
      if (type !== PHYSICAL_HOSTS || !isClaim(patch.body)) return sent;
      attempts.sent++;
      try {
        const stored = await sent;
        attempts.stored++;
        return stored;
      } catch (error) {
        if (error instanceof KubeError && isConflict(error)) attempts.refused++;
        else attempts.failed++;
        throw error;
      }
    },
  };
}

function isClaim(body: unknown): boolean {
  const { consumerRef } = specOf(body as KubeObject);
  return typeof consumerRef === "object" && consumerRef !== null;
}
