import { type Clock, sleep } from "../clock.ts";
import { physicalHostProfile } from "../hosts/physical-host.ts";
import type { KubeApi, KubeObject } from "../kube/api.ts";
import { isNotFound } from "../kube/errors.ts";
import { BESKAR7_MACHINES, PHYSICAL_HOSTS } from "../kube/types.ts";
import { silentLog } from "../log.ts";
import { Beskar7 } from "../workload/beskar7.ts";
import { HostHistory } from "../workload/history.ts";
import type { DemoCluster } from "./cluster.ts";

export const NAMESPACE = "default";
const HOSTS = 20;
const MACHINES = 30;
const CONTROLLERS = 3;
/** Long enough to see the queue before the first host is there. */
const HOSTS_AFTER_MS = 3_000;
const CHURN_EVERY_MS = 2_500;

/**
 * What the demo plays: more machines than hosts, three controllers that race for them, hosts that become free
 * together, and then machines that come and go.
 */
export class DemoWorkload {
  readonly history: HostHistory;
  readonly #cluster: DemoCluster;
  readonly #clock: Clock;
  readonly #random: () => number;
  #made = 0;

  constructor(options: { cluster: DemoCluster; clock: Clock; random: () => number }) {
    this.#cluster = options.cluster;
    this.#clock = options.clock;
    this.#random = options.random;
    this.history = new HostHistory({
      api: options.cluster.admin,
      clock: options.clock,
      type: PHYSICAL_HOSTS,
      readHost: physicalHostProfile.readHost,
    });
  }

  /** Controllers running, machines waiting, hosts known but not available yet. */
  async begin(signal: AbortSignal): Promise<void> {
    const { admin } = this.#cluster;
    await this.history.start(signal);
    for (let index = 0; index < CONTROLLERS; index++) {
      const controller = new Beskar7({
        api: this.#cluster.controllerApi(`beskar7-controller-${index}`),
        clock: this.#clock,
        log: silentLog,
        random: this.#random,
        release: "current",
      });
      await controller.start(signal);
    }
    for (let index = 0; index < HOSTS; index++) await createWithStatus(admin, host(index));
    for (let index = 0; index < MACHINES; index++) await this.#addMachine();
  }

  /** The hosts become available, all at once, as after an enrolment. */
  async freeHosts(signal: AbortSignal): Promise<void> {
    await sleep(this.#clock, HOSTS_AFTER_MS, signal);
    const status = { status: { ready: true, state: "Available" } };
    await Promise.all(
      Array.from({ length: HOSTS }, (_, index) =>
        this.#cluster.admin.patch(
          PHYSICAL_HOSTS,
          { namespace: NAMESPACE, name: hostName(index) },
          { type: "merge", body: status },
          { subresource: "status" },
        ),
      ),
    );
  }

  /** Machines are deleted and made until the signal is aborted; each deletion frees a host for the next in line. */
  async churn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#clock, CHURN_EVERY_MS * (0.5 + this.#random()), signal);
      const bound = [...this.history.hosts()].filter(({ consumer }) => consumer !== null);
      const victim = bound[Math.floor(this.#random() * bound.length)]?.consumer;
      if (victim != null) await this.#removeMachine(victim.name);
      await this.#addMachine();
    }
  }

  async #addMachine(): Promise<void> {
    const index = this.#made++;
    await createWithStatus(this.#cluster.admin, machine(index, index % 2 === 1));
  }

  async #removeMachine(name: string): Promise<void> {
    try {
      await this.#cluster.admin.delete(BESKAR7_MACHINES, { namespace: NAMESPACE, name });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const hostName = (index: number) => `host-${String(index).padStart(2, "0")}`;

function host(index: number): KubeObject {
  const labels: Record<string, string> = { rack: `r${1 + (index % 4)}` };
  if (index % 5 === 0) labels.nvme = "true";
  const name = hostName(index);
  return {
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta1",
    kind: PHYSICAL_HOSTS.kind,
    metadata: { namespace: NAMESPACE, name, labels },
    spec: {
      redfishConnection: { address: `https://${name}.bmc.example`, credentialsSecretRef: `${name}-bmc` },
    },
    status: { ready: false, state: "Enrolling" },
  };
}

function machine(index: number, prefersFastDisks: boolean): KubeObject {
  return {
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta1",
    kind: BESKAR7_MACHINES.kind,
    metadata: {
      namespace: NAMESPACE,
      name: `machine-${String(index).padStart(3, "0")}`,
      ...(prefersFastDisks && { annotations: { "beskar7.io/preferred-tags": "nvme" } }),
    },
    spec: {
      inspectionImageURL: "https://boot.example/inspect.ipxe",
      targetImageURL: "https://boot.example/target.img",
    },
  };
}

/** status is a subresource: what a create says of it is dropped. */
async function createWithStatus(api: KubeApi, object: KubeObject): Promise<void> {
  const type = object.kind === PHYSICAL_HOSTS.kind ? PHYSICAL_HOSTS : BESKAR7_MACHINES;
  const { metadata } = await api.create(type, object);
  if (object.status === undefined) return;
  const key = { namespace: NAMESPACE, name: metadata.name };
  const body = { status: object.status };
  await api.patch(type, key, { type: "merge", body }, { subresource: "status" });
}
