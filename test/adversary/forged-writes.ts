import fc from "fast-check";
import type { KubeObject } from "../../src/kube/api.ts";
import { type ReviewPath, TERM } from "./door.ts";
import { HOLDER_USER } from "./reviews.ts";

/** A write of a host that lies about whatever it can: who asks, for whom, which host, as of when. */
export interface ForgedWrite {
  readonly path: ReviewPath;
  readonly host: string;
  readonly consumerRef: unknown;
  readonly before: Forged;
  readonly after: Forged;
  readonly annotations: Record<string, string>;
  readonly userInfo: { readonly username: string };
  readonly dryRun: boolean;
}

/** What is said otherwise of a host's metadata; mostly nothing. */
interface Forged {
  readonly name?: string | undefined;
  readonly namespace?: unknown;
  readonly uid?: string | undefined;
  readonly resourceVersion?: unknown;
}

export const HOSTS = ["host-1", "host-2", "held-1", "metal-1"] as const;
const STRANGER = {
  username: "system:serviceaccount:default:intruder",
  groups: ["system:masters"],
  extra: { "authentication.kubernetes.io/pod-name": ["coordinator-0"] },
};

const INTENT = JSON.stringify({ term: TERM, hosts: "1", requests: "1", nonce: "n" });

const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 19, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const mostly = <T, U>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<U>) =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: other });

const hostile = fc.oneof(
  fc.constantFrom(
    "../../x",
    "%2f",
    "a/b",
    "__proto__",
    "constructor",
    "Ä",
    "a\u0000b",
    " ",
    "x".repeat(6_000),
  ),
  fc.string(),
);
const anything = fc.oneof(hostile, fc.jsonValue({ maxDepth: 2 }));

/** Who is not the one that he is called after: each of these meets a request that stands in `settleVictims`. */
const usual = {
  name: fc.constantFrom("machine-1", "machine-2", "machine-3", "owner", "explicit-1", "beskar7machine-owner"),
  kind: fc.constantFrom(
    "",
    "",
    "Beskar7Machine",
    "beskar7machine",
    "Metal3Machine",
    "HostClaim",
    "ClaimRequest",
  ),
  namespace: fc.constantFrom("default", "", "default", "", "default", "", "other", "nowhere"),
  uid: fc.constantFrom("", "", "uid-of-another"),
  apiVersion: fc.constantFrom("", "metal3.io/v1alpha1", "infrastructure.cluster.x-k8s.io/v1beta1"),
};
const asked = {
  path: fc.constantFrom("/mutate" as const, "/validate" as const, "/validate" as const),
  host: fc.constantFrom(...HOSTS),
  userInfo: mostly(fc.constantFrom(HOLDER_USER, STRANGER), fc.constant({ username: "admin" })),
  dryRun: mostly(fc.constant(false), fc.constant(true)),
};

/** In every field what a client may send. */
const tame = fc.record({
  ...asked,
  consumerRef: fc.record(usual),
  before: fc.constant({}),
  after: fc.constant({}),
  annotations: fc.constant({}),
});

const metadata: fc.Arbitrary<Forged> = fc.record({
  name: seldom(hostile),
  namespace: seldom(fc.oneof(fc.constantFrom("other", "kube-system", ""), anything)),
  uid: seldom(hostile),
  resourceVersion: seldom(fc.oneof(fc.constantFrom("0", "1", "99999999999999999999"), anything)),
});
const wild = fc.record({
  ...asked,
  consumerRef: mostly(
    fc.record(
      {
        name: mostly(usual.name, anything),
        kind: mostly(usual.kind, anything),
        namespace: mostly(usual.namespace, anything),
        uid: mostly(usual.uid, anything),
        apiVersion: mostly(usual.apiVersion, anything),
        fieldPath: seldom(anything),
        finalizers: seldom(anything),
      },
      { requiredKeys: ["name"] },
    ),
    fc.jsonValue({ maxDepth: 2 }),
  ),
  before: metadata,
  after: metadata,
  annotations: mostly(
    fc.constant({}),
    fc.dictionary(
      mostly(fc.constantFrom("claims.beskar7.io/intent", "claims.beskar7.io/demand"), hostile),
      fc.oneof(fc.constantFrom("machine", INTENT), fc.json({ maxDepth: 1 }), hostile),
      { maxKeys: 2 },
    ),
  ),
});

export const forgedWrite: fc.Arbitrary<ForgedWrite> = fc.oneof(tame, wild);

/** The AdmissionReview of that write, of a host as it is stored. */
export function reviewOfForged(write: ForgedWrite, stored: KubeObject, plural: string, uid: string): string {
  const [group, version] = stored.apiVersion!.split("/");
  const oldObject = { ...stored, metadata: forgedMetadata(stored, write.before) };
  const object = {
    ...stored,
    metadata: { ...forgedMetadata(stored, write.after), annotations: write.annotations },
    spec: { ...(stored.spec as object), consumerRef: write.consumerRef },
  };
  return JSON.stringify({
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      ...{ uid, operation: "UPDATE", resource: { group, version, resource: plural } },
      ...{ name: stored.metadata.name, namespace: stored.metadata.namespace },
      ...{ userInfo: write.userInfo, dryRun: write.dryRun, oldObject, object },
    },
  });
}

export function forgedMetadata(stored: KubeObject, forged: Forged): Record<string, unknown> {
  const said = Object.entries(forged).filter(([, value]) => value !== undefined);
  return { ...stored.metadata, ...Object.fromEntries(said) };
}
