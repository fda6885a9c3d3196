import { stringify } from "yaml";
import { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import { trustBundle } from "../../certs/rotation.ts";
import { readState } from "../../certs/secret-state.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { type Clock, sleep } from "../clock.ts";
import type { KubeApi, KubeObject } from "../kube/api.ts";
import { isNotFound, KubeError } from "../kube/errors.ts";
import { CUSTOM_RESOURCE_DEFINITIONS } from "../kube/types.ts";
import type { Log } from "../log.ts";
import { type Names, SERVICE_NAME } from "./install-names.ts";
import { installObjects, type Registration, registrationObjects } from "./install-objects.ts";
import { installedType } from "./install-types.ts";

export interface InstallOptions {
  api: KubeApi;
  clock: Clock;
  log: Log;
  names: Names;
  registration: Registration;
  /** Takes whole lines, without a line feed at the end. */
  print(text: string): void;
  signal?: AbortSignal;
}

/** How long a new CRD may take to be served; it takes well below a second. */
const ESTABLISHED_WITHIN_MS = 30_000;
const POLL_MS = 100;

/**
 * Applies everything that the service needs, in order, and can be repeated: what somebody changed is set right, what
 * is right stays untouched. Returns the exit code: 0, or 1 where the API server refused something (printed).
 */
export async function install(options: InstallOptions): Promise<number> {
  for (const object of installObjects(options.names, options.registration)) {
    try {
      options.print(`${describe(object)} ${await apply(options, object)}`);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      options.print(`${describe(object)} failed: ${error.message}`);
      return 1;
    }
  }
  await publishKnownAuthority(options);
  return 0;
}

/** Several objects as one YAML text; the same for --dry-run and for the generated manifests. */
export function toYaml(objects: readonly KubeObject[]): string {
  // Without anchors: kubectl reads them, people don't.
  return objects
    .map((object) => stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 }))
    .join("---\n");
}

function describe({ kind, metadata }: KubeObject): string {
  const { namespace, name } = metadata;
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

async function apply(
  { api, clock, signal }: InstallOptions,
  object: KubeObject,
): Promise<"created" | "configured" | "unchanged"> {
  const type = installedType(object.kind);
  const { namespace, name } = object.metadata;
  const key = { namespace, name };
  const before = await api.get(type, key, { signal }).catch((error) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const after = await api.patch(
    type,
    key,
    { type: "apply", body: object, force: true },
    { fieldManager: SERVICE_NAME, signal },
  );
  if (type === CUSTOM_RESOURCE_DEFINITIONS) await untilEstablished({ api, clock, signal }, name);
  if (before === undefined) return "created";
  return before.metadata.resourceVersion === after.metadata.resourceVersion ? "unchanged" : "configured";
}

async function untilEstablished(
  { api, clock, signal }: Pick<InstallOptions, "api" | "clock" | "signal">,
  name: string,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + ESTABLISHED_WITHIN_MS;
  while (true) {
    const { status } = await api.get(CUSTOM_RESOURCE_DEFINITIONS, { name }, { signal });
    const { conditions } = (status ?? {}) as { conditions?: { type: string; status: string }[] | null };
    if (conditions?.some(({ type, status }) => type === "Established" && status === "True")) return;
    if (clock.monotonicMs() >= deadlineMs) {
      throw new KubeError("KUBE_TIMEOUT", `the API server does not serve ${name} yet`);
    }
    await sleep(clock, POLL_MS, signal);
  }
}

/** A registration made anew, while the service runs already, is good at once and not only at its next look. */
async function publishKnownAuthority({
  api,
  log,
  names,
  registration,
  signal,
}: InstallOptions): Promise<void> {
  const store = new SecretStore({ api, namespace: names.namespace, name: names.certSecret });
  const keeper = new CaBundleKeeper({ api, log, desired: registrationObjects(names, registration) });
  const registrations = await keeper.read({ signal });
  const read = readState((await store.read({ signal })).data);
  if (read.ok) await keeper.repair(registrations, trustBundle(read.state), { signal });
}
