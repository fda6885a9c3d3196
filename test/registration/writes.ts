/** Writes of a host's consumerRef, and whether the API server is to ask us about them. */

type Reference = Readonly<Record<string, unknown>> | null;

export interface HostWrite {
  /** undefined: the field is absent; its spec is always there. */
  readonly from: Reference | undefined;
  readonly to: Reference | undefined;
  readonly sent: boolean;
}

const M = "Beskar7Machine";
const a = { name: "a", namespace: "default", uid: "u-a" };
const b = { name: "b", namespace: "default", uid: "u-b" };

export const PHYSICAL_HOST_WRITES: Readonly<Record<string, HostWrite>> = {
  "nothing changes on a free host": { from: undefined, to: undefined, sent: false },
  "nothing changes on a held host": { from: a, to: a, sent: false },
  "a claim": { from: undefined, to: a, sent: true },
  "a claim over an empty reference": { from: {}, to: a, sent: true },
  "a claim over a reference without a name": { from: { kind: M }, to: a, sent: true },
  "a claim over an empty name": { from: { name: "" }, to: a, sent: true },
  "a claim that gives nothing but a name": { from: undefined, to: { name: "a" }, sent: true },
  "a release": { from: a, to: undefined, sent: false },
  "a release to an empty reference": { from: a, to: {}, sent: false },
  "a release to a reference without a name": { from: a, to: { kind: M, namespace: "default" }, sent: false },
  "a release to an empty name": { from: a, to: { name: "" }, sent: false },
  "a release to an explicit null": { from: a, to: null, sent: false },
  "a claim over an explicit null": { from: null, to: a, sent: true },
  "a steal": { from: a, to: b, sent: true },
  "a steal by another kind of the same name": { from: a, to: { ...a, kind: "Tool" }, sent: true },
  "a steal by the same name in another namespace": { from: a, to: { ...a, namespace: "other" }, sent: true },
  "a steal by a machine recreated under the same name": { from: a, to: { ...a, uid: "u-2" }, sent: true },
  "a completion: kind added": { from: a, to: { ...a, kind: M, apiVersion: "x/v1" }, sent: false },
  "a completion: an empty kind filled": { from: { ...a, kind: "" }, to: { ...a, kind: M }, sent: false },
  "a completion: uid added": { from: { name: "a" }, to: { name: "a", uid: "u-a" }, sent: false },
  "a completion: namespace added": {
    from: { name: "a" },
    to: { name: "a", namespace: "default" },
    sent: false,
  },
  "fields taken away from the same consumer": { from: { ...a, kind: M }, to: { name: "a" }, sent: false },
  "a claim by an object called Cluster": { from: undefined, to: { ...a, kind: "Cluster" }, sent: true },
};

const machine = { ...a, kind: "Metal3Machine" };
const cluster = { name: "c", namespace: "default", kind: "Cluster", apiVersion: "cluster.x-k8s.io/v1beta1" };

export const BARE_METAL_HOST_WRITES: Readonly<Record<string, HostWrite>> = {
  "a claim": { from: undefined, to: machine, sent: true },
  "a completion: kind added": { from: a, to: machine, sent: false },
  "a release": { from: machine, to: undefined, sent: false },
  "a reservation by node reuse": { from: machine, to: cluster, sent: false },
  "a reservation of a free host": { from: undefined, to: cluster, sent: false },
  "a claim of a reserved host": { from: cluster, to: machine, sent: true },
  "a reservation passed on to another cluster": { from: cluster, to: { ...cluster, name: "d" }, sent: true },
  "a reserved host given up": { from: cluster, to: undefined, sent: false },
};
