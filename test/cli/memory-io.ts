import { profiles } from "../../src/hosts/profiles.ts";
import type { KubeApi, KubeObject, ListOptions, ResourceType } from "../../src/kube/api.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { CLAIM_REQUESTS, SECRETS } from "../../src/kube/types.ts";
import { NOW_MS } from "../queue/world.ts";

const SERVED = [
  ...profiles.flatMap(({ hostType, machineType }) => [hostType, machineType]),
  CLAIM_REQUESTS,
  SECRETS,
];

/** Lists objects as an API server does, in pages; kinds named in `absent` are not installed. */
function listing(objects: readonly KubeObject[], absent: readonly string[]): KubeApi {
  const list = async (type: ResourceType, options: ListOptions = {}) => {
    if (absent.includes(type.kind) || !SERVED.includes(type)) throw failure(404, "NotFound");
    const name = /^metadata\.name=(.+)$/.exec(options.fieldSelector ?? "")?.[1];
    const matching = objects.filter(
      ({ kind, metadata }) =>
        kind === type.kind &&
        (options.namespace === undefined || metadata.namespace === options.namespace) &&
        (name === undefined || metadata.name === name),
    );
    const start = Number(options.continue ?? 0);
    const end = start + (options.limit ?? matching.length);
    const rest = end < matching.length ? { continue: String(end) } : {};
    return { metadata: { resourceVersion: "1", ...rest }, items: matching.slice(start, end) };
  };
  const get = async (type: ResourceType, key: { namespace?: string; name: string }) => {
    const found = objects.find(
      ({ kind, metadata }) =>
        kind === type.kind && metadata.name === key.name && metadata.namespace === key.namespace,
    );
    if (found === undefined) throw failure(404, "NotFound");
    return found;
  };
  return { list, get } as unknown as KubeApi;
}

function failure(code: number, reason: string): KubeError {
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, reason } as const;
  return new KubeError("KUBE_STATUS", reason, { status });
}

/** A command's surroundings in memory, and what it printed. */
export function memoryIo(objects: readonly KubeObject[], absent: readonly string[] = []) {
  const printed = { out: "", err: "" };
  return {
    api: listing(objects, absent),
    clock: { wallMs: () => NOW_MS },
    out: (text: string) => {
      printed.out += `${text}\n`;
    },
    err: (text: string) => {
      printed.err += `${text}\n`;
    },
    printed,
  };
}
