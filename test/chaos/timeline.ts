import { systemClock } from "../../src/clock.ts";
import { fieldsOf, specOf, statusOf } from "../../src/hosts/fields.ts";
import type { KubeApi, KubeObject, ResourceType } from "../../src/kube/api.ts";
import { BESKAR7_MACHINES, CLAIM_REQUESTS, NAMESPACES, PHYSICAL_HOSTS } from "../../src/kube/types.ts";
import { CLAIM_REQUEST_API_VERSION } from "../../src/requests/claim-request.ts";
import type { ChangeType } from "../../src/sandbox/store.ts";
import { ObjectHistory } from "../../src/workload/history.ts";
import { beskar7Machine, physicalHost } from "../fixtures/objects.ts";
import { ReplayedShelf } from "./shelf.ts";

const BEACONS = "chaos-beacons";
const NAME = "beacon";
/** The request asks for a host and is as real as any. */
export const WAITING_BEACONS = 1;
const TYPES = [PHYSICAL_HOSTS, BESKAR7_MACHINES, CLAIM_REQUESTS] as const;

/**
 * Flags of an API server whose watches of these types are served from etcd: a history that goes on where it was when
 * the server was restarted, which its cache could not give.
 */
export const HISTORY_FROM_ETCD = `--watch-cache-sizes=${TYPES.map((type) => `${resourceOf(type)}#0`).join(",")}`;

interface Step {
  readonly resource: string;
  readonly type: ChangeType;
  readonly object: KubeObject;
  readonly revision: number;
}

/**
 * What happened to hosts, machines and requests, from the API server's watches: in the order of etcd's one revision
 * counter, so that what happened to a host and what happened to a request can be compared.
 */
export class Timeline {
  /** As the watches bring it: new, and not in order across types. */
  readonly newest = new ReplayedShelf();
  /** In order, and as far as nothing older can come any more. */
  readonly settled = new ReplayedShelf();
  readonly #api: KubeApi;
  readonly #told: (line: string) => void;
  readonly #histories = new Map<string, ObjectHistory>();
  readonly #beacons = new Map<string, number>();
  #pending: Step[] = [];
  #bumps = 0;

  /** `told`: each event in a line, as it arrives. */
  constructor(api: KubeApi, told: (line: string) => void) {
    this.#api = api;
    this.#told = told;
    for (const type of TYPES) {
      const resource = resourceOf(type);
      const history = new ObjectHistory({ api, clock: systemClock, type }, (change, object) =>
        this.#note({ resource, type: change, object, revision: Number(object.metadata.resourceVersion) }),
      );
      this.#histories.set(resource, history);
    }
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#api.create(NAMESPACES, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: BEACONS },
    });
    for (const [type, object] of beacons()) await this.#api.create(type, object);
    await Promise.all([...this.#histories.values()].map((history) => history.start(signal)));
  }

  /**
   * Resolves when `settled` has all that had happened when this was called: a beacon of each type is written, and a
   * watch that has brought it has brought everything older. Answers with the revision up to which it has. Rejects when
   * a history has a gap, or when the API server can't be reached.
   */
  async settle(): Promise<number> {
    const lit = new Map<string, number>();
    for (const type of TYPES) {
      const body = { metadata: { annotations: { "chaos.test/bump": String(this.#bumps++) } } };
      const key = { namespace: BEACONS, name: NAME };
      const written = await this.#api.patch(type, key, { type: "merge", body });
      lit.set(resourceOf(type), Number(written.metadata.resourceVersion));
    }
    for (const [resource, revision] of lit) {
      await this.#histories.get(resource)!.until(() => (this.#beacons.get(resource) ?? 0) >= revision);
    }
    const final = Math.min(...lit.values());
    const due = this.#pending.filter(({ revision }) => revision <= final);
    this.#pending = this.#pending.filter(({ revision }) => revision > final);
    for (const { resource, type, object } of due.sort((a, b) => a.revision - b.revision)) {
      this.settled.apply(resource, type, object);
    }
    return final;
  }

  /** Resolves when `condition` is true after some event of a ClaimRequest; rejects when the history has a gap. */
  untilRequests(condition: () => boolean): Promise<void> {
    return this.#histories.get(resourceOf(CLAIM_REQUESTS))!.until(condition);
  }

  #note(step: Step): void {
    const { resource, type, object, revision } = step;
    if (object.metadata.namespace === BEACONS) return void this.#beacons.set(resource, revision);
    this.#told(lineOf(step));
    this.#pending.push(step);
    this.newest.apply(resource, type, object);
  }
}

export function resourceOf({ plural, group }: ResourceType): string {
  return `${plural}.${group}`;
}

function lineOf({ resource, type, object, revision }: Step): string {
  const { namespace, name, uid = "", deletionTimestamp } = object.metadata;
  const { consumerRef } = specOf(object);
  const { name: consumer, uid: consumerUid } = fieldsOf(consumerRef);
  const { phase, state, binding } = statusOf(object);
  return JSON.stringify({
    at: new Date(systemClock.wallMs()).toISOString(),
    revision,
    type,
    object: `${resource.split(".", 1)[0]} ${namespace}/${name}`,
    uid,
    ...(deletionTimestamp !== undefined && { deleting: true }),
    ...(consumer !== undefined && { consumer: `${consumer} ${consumerUid ?? ""}` }),
    phase,
    state,
    binding,
  });
}

/** Nobody ever serves these. */
function beacons(): [ResourceType, KubeObject][] {
  const metadata = { namespace: BEACONS, name: NAME };
  const { spec: hostSpec, apiVersion, kind } = physicalHost(metadata);
  const { spec: machineSpec, kind: machineKind } = beskar7Machine(metadata);
  return [
    [PHYSICAL_HOSTS, { apiVersion, kind, metadata, spec: hostSpec } as KubeObject],
    [BESKAR7_MACHINES, { apiVersion, kind: machineKind, metadata, spec: machineSpec } as KubeObject],
    [
      CLAIM_REQUESTS,
      {
        apiVersion: CLAIM_REQUEST_API_VERSION,
        kind: CLAIM_REQUESTS.kind,
        metadata,
        spec: { hostKind: PHYSICAL_HOSTS.kind },
      },
    ],
  ];
}
