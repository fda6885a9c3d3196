/** install and uninstall on an API server that refuses, lags, or is used by others at the same time. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { install } from "../../src/cli/install.ts";
import { uninstall } from "../../src/cli/uninstall.ts";
import type { Clock } from "../../src/clock.ts";
import type { KubeApi, KubeObject, ObjectKey, ResourceType } from "../../src/kube/api.ts";
import { CLAIM_REQUESTS, CUSTOM_RESOURCE_DEFINITIONS, LEASES } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { newClaimRequest } from "../../src/requests/claim-request.ts";
import { createSandboxApi } from "../../src/sandbox/client.ts";
import { ADMIN, createCore, type SandboxCore } from "../../src/sandbox/sandbox.ts";
import { refusal } from "../leader/lease-server.ts";
import { FakeClock } from "../support/fake-clock.ts";

const DEFINITION = "claimrequests.claims.beskar7.io";
const LEASE = "beskar7-claim-coordinator-leader";
const NAMES = {
  namespace: "beskar7-system",
  leaseNamespace: "beskar7-system",
  certSecret: "beskar7-claim-coordinator-certs",
  registration: "beskar7-claim-coordinator",
};
type Verb = "get" | "patch" | "delete" | "list";
/** Is asked before each call; what it throws is the answer. */
type Meddler = (verb: Verb, type: ResourceType, key: ObjectKey) => void | Promise<void>;

/** Time passes when somebody waits for it. */
function hurried(clock: FakeClock): Clock {
  return {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    schedule: (afterMs, fire) => {
      const timer = clock.schedule(afterMs, fire);
      void clock.advance(afterMs);
      return timer;
    },
  };
}

describe("install and uninstall", () => {
  let core: SandboxCore;
  let clock: FakeClock;
  let api: KubeApi;
  let meddle: Meddler;
  let lines: string[];

  beforeEach(async () => {
    clock = new FakeClock();
    core = createCore({ clock: hurried(clock), callWebhook: () => assert.fail("nothing is judged here") });
    api = createSandboxApi(core, ADMIN);
    meddle = () => {};
    lines = [];
  });
  afterEach(() => core.stop());

  const meddled = (): KubeApi => ({
    ...api,
    get: async (type, key, options) => {
      await meddle("get", type, key);
      return api.get(type, key, options);
    },
    patch: async (type, key, patch, options) => {
      await meddle("patch", type, key);
      return api.patch(type, key, patch, options);
    },
    delete: async (type, key, options) => {
      await meddle("delete", type, key);
      return api.delete(type, key, options);
    },
    list: async (type, options) => {
      await meddle("list", type, { name: "" });
      return api.list(type, options);
    },
  });
  const options = () => ({
    api: meddled(),
    clock: hurried(clock),
    log: silentLog,
    names: NAMES,
    registration: { target: { url: "https://coordinator.example" } },
    leaseName: LEASE as string | null,
    dryRun: false,
    print: (text: string) => void lines.push(text),
  });
  const request = (name: string, more: Partial<KubeObject["metadata"]> = {}) => {
    const made = newClaimRequest({
      consumer: { apiVersion: "", kind: "Beskar7Machine", namespace: "default", name, uid: "" },
      consumerRef: { name },
      hostKind: "PhysicalHost",
    });
    return api.create(CLAIM_REQUESTS, { ...made, metadata: { ...made.metadata, ...more } });
  };
  const left = async () =>
    (await api.list(CUSTOM_RESOURCE_DEFINITIONS)).items.map(({ metadata }) => metadata.name);

  it("install stops at what is refused, names it and ends with 1", async () => {
    meddle = (verb, type, { name }) => {
      if (verb === "patch" && type.kind === "ClusterRole") throw refusal(403, `no right to ${name}`);
    };
    assert.equal(await install(options()), 1);
    assert.match(lines.at(-1)!, /^ClusterRole \S+ failed: no right to \S+$/);
    assert.equal(
      lines.some((line) => line.includes("WebhookConfiguration")),
      false,
    );
  });

  it("install tells that an object could not be looked at", async () => {
    meddle = (verb, type) => {
      if (verb === "get" && type.kind === "ServiceAccount") throw refusal(503, "down");
    };
    assert.equal(await install(options()), 1);
    assert.match(lines.at(-1)!, /^ServiceAccount \S+ failed: down$/);
  });

  it("install gives up on a definition that is not served within half a minute", async () => {
    const real = api;
    api = {
      ...real,
      get: async (type, key, call) => {
        const object = await real.get(type, key, call);
        return type === CUSTOM_RESOURCE_DEFINITIONS ? { ...object, status: { conditions: null } } : object;
      },
    };
    assert.equal(await install(options()), 1);
    assert.equal(
      lines.at(-1),
      `CustomResourceDefinition ${DEFINITION} failed: the API server does not serve ${DEFINITION} yet`,
    );
    assert.ok(clock.monotonicMs() >= 30_000 && clock.monotonicMs() < 31_000);
  });

  it("neither hides a mistake of its own behind a line of text", async () => {
    meddle = () => {
      throw new TypeError("a mistake");
    };
    await assert.rejects(install(options()), TypeError);
    await assert.rejects(uninstall(options()), TypeError);
  });

  it("uninstall stops at what is refused and ends with 1, and goes on when it is run again", async () => {
    await install(options());
    meddle = (verb, type) => {
      if (verb === "delete" && type.kind === "ClusterRole") throw refusal(403, "no right");
    };
    lines = [];
    assert.equal(await uninstall(options()), 1);
    assert.equal(lines.at(-1), "failed: no right");
    meddle = () => {};
    assert.equal(await uninstall(options()), 0);
    assert.deepEqual(await left(), []);
  });

  for (const [verb, kind] of [
    ["get", "MutatingWebhookConfiguration"],
    ["list", "ClaimRequest"],
    ["delete", "ClaimRequest"],
    ["patch", "ClaimRequest"],
  ] as const) {
    it(`uninstall does not take a failed ${verb} of a ${kind} for its absence`, async () => {
      await install(options());
      await request("m");
      meddle = (asked, type) => {
        if (asked === verb && type.kind === kind) throw refusal(503, "down");
      };
      assert.equal(await uninstall(options()), 1);
      assert.equal(lines.at(-1), "failed: down");
      assert.deepEqual(await left(), [DEFINITION]);
    });
  }

  it("uninstall goes on when somebody else has removed an object in between", async () => {
    await install(options());
    await request("m");
    meddle = async (verb, type, key) => {
      if (verb === "delete" && type.kind === "ClusterRole") await api.delete(type, key);
      if (verb === "patch" && type === CLAIM_REQUESTS) {
        const { metadata } = await api.get(type, key);
        await api.update(type, { ...(await api.get(type, key)), metadata: { ...metadata, finalizers: [] } });
        await api.delete(type, key);
      }
    };
    lines = [];
    assert.equal(await uninstall(options()), 0);
    assert.equal(
      lines.some((line) => line.startsWith("ClusterRole ")),
      false,
    );
    assert.deepEqual(await left(), []);
  });

  it("uninstall takes its finalizer off a request that a replica writes to at the same time", async () => {
    await install(options());
    await request("m");
    let writes = 0;
    meddle = async (verb, type, key) => {
      if (verb !== "patch" || type !== CLAIM_REQUESTS || ++writes > 3) return;
      const body = { metadata: { annotations: { write: String(writes) } } };
      await api.patch(type, key, { type: "merge", body });
    };
    assert.equal(await uninstall(options()), 0);
    assert.equal(writes, 4);
    assert.deepEqual(await left(), []);
  });

  it("uninstall says after a minute that requests are held by others' finalizers", async () => {
    await install(options());
    await request("m", { finalizers: ["example.com/mine", "claims.beskar7.io/binding"] });
    const real = api;
    // A definition stays as long as an object of it does; the sandbox removes both at once.
    const stays = (type: ResourceType) => type === CUSTOM_RESOURCE_DEFINITIONS;
    api = {
      ...real,
      delete: async (type, ...call) => void (stays(type) || (await real.delete(type, ...call))),
    };
    assert.equal(await uninstall(options()), 1);
    assert.equal(lines.at(-1), "failed: ClaimRequests with finalizers of others are still there");
    assert.ok(clock.monotonicMs() >= 60_000);
    const { metadata } = await api.get(CLAIM_REQUESTS, { namespace: "default", name: "beskar7machine-m" });
    assert.deepEqual(metadata.finalizers, ["example.com/mine"]);
  });

  it("uninstall names the hosts that stay claimed by people's own requests", async () => {
    await install(options());
    const { metadata } = await api.create(CLAIM_REQUESTS, {
      apiVersion: "claims.beskar7.io/v1alpha1",
      kind: "ClaimRequest",
      metadata: { namespace: "default", name: "lab-1" },
      spec: { hostKind: "PhysicalHost" },
    });
    const key = { namespace: "default", name: metadata.name };
    const body = { status: { phase: "Bound", hostName: "h1" } };
    await api.patch(CLAIM_REQUESTS, key, { type: "merge", body }, { subresource: "status" });
    lines = [];
    assert.equal(await uninstall({ ...options(), dryRun: true }), 0);
    assert.ok(lines.includes("host default/h1 stays claimed by ClaimRequest lab-1"));
    assert.ok(lines.includes("1 ClaimRequest would be removed"));
  });

  it("uninstall leaves another elector's Lease alone", async () => {
    await install(options());
    await api.create(LEASES, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { namespace: NAMES.leaseNamespace, name: LEASE },
    });
    assert.equal(await uninstall({ ...options(), leaseName: null }), 0);
    assert.equal(
      (await api.get(LEASES, { namespace: NAMES.leaseNamespace, name: LEASE })).metadata.name,
      LEASE,
    );
  });
});
