import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KubeObject } from "../../src/kube/api.ts";
import type { ChangeType } from "../../src/sandbox/store.ts";
import { beskar7Machine, physicalHost } from "../fixtures/objects.ts";
import { HOSTS, MACHINES, REQUESTS } from "../simulation/stored.ts";
import { Ledger } from "./ledger.ts";
import { ReplayedShelf } from "./shelf.ts";

const NAMESPACE = "pool";

/** A short history, each line with the next resourceVersion, and what the ledger says of it. */
class Told {
  readonly #shelf = new ReplayedShelf();
  readonly ledger = new Ledger(this.#shelf);
  #revision = 0;

  machine(name: string, options: { deleting?: boolean } = {}): this {
    return this.#tell(MACHINES, "MODIFIED", beskar7Machine({ ...this.#meta(name), ...options }));
  }

  /** `machine`: "" for a host that nobody has. */
  host(name: string, machine: string, options: { mode?: string } = {}): this {
    const consumerRef = {
      kind: "Beskar7Machine",
      namespace: NAMESPACE,
      name: machine,
      uid: `uid-${machine}`,
    };
    const annotations = { "claims.beskar7.io/mode": options.mode ?? "leader" };
    const held = machine === "" ? {} : { consumerRef, annotations };
    return this.#tell(HOSTS, "MODIFIED", physicalHost({ ...this.#meta(name), ...held }));
  }

  /** `binds`: the host that its binding names, in the host's version of now. */
  request(machine: string, binds = ""): this {
    return this.#tell(REQUESTS, "MODIFIED", this.#request(machine, binds));
  }

  requestGone(machine: string): this {
    return this.#tell(REQUESTS, "DELETED", this.#request(machine, ""));
  }

  #request(machine: string, host: string): KubeObject {
    const version = this.#shelf.get(HOSTS, `${NAMESPACE}/${host}`)?.metadata.resourceVersion;
    const binding = { hostName: host, hostUID: `uid-${host}`, hostResourceVersion: version, term: "" };
    return {
      metadata: this.#meta(`beskar7machine-${machine}`),
      spec: {
        hostKind: "PhysicalHost",
        consumerRef: { kind: "Beskar7Machine", name: machine, uid: `uid-${machine}` },
      },
      status: host === "" ? {} : { phase: "Binding", binding },
    };
  }

  #meta(name: string) {
    return { namespace: NAMESPACE, name, uid: `uid-${name}` };
  }

  #tell(resource: string, type: ChangeType, object: KubeObject): this {
    object.metadata.resourceVersion = String(++this.#revision);
    this.#shelf.apply(resource, type, object);
    return this;
  }
}

describe("the ledger of a history", () => {
  test("finds nothing in claims that a binding covers, and counts them", () => {
    const { ledger } = new Told()
      .host("h1", "")
      .request("a", "h1")
      .host("h1", "a")
      .host("h1", "")
      .request("b", "h1")
      .host("h1", "b", { mode: "optimistic" })
      .request("b");
    assert.deepEqual(ledger.violations, []);
    const { leader, optimistic, releases } = ledger.counts;
    assert.deepEqual({ leader, optimistic, releases }, { leader: 1, optimistic: 1, releases: 1 });
  });

  test("finds a claim that no binding covers, or one of an older version of the host", () => {
    const none = new Told().host("h1", "").host("h1", "a");
    assert.match(none.ledger.violations.join(), /got h1 without a binding/);
    const older = new Told().host("h1", "").request("a", "h1").host("h1", "").host("h1", "a");
    assert.match(older.ledger.violations.join(), /got h1 without a binding/);
  });

  test("finds a host that changes hands, and a machine that gets a second one", () => {
    const changed = new Told().host("h1", "").request("a", "h1").host("h1", "a").host("h1", "b");
    assert.match(changed.ledger.violations.join(), /h1 went from .* without a release/);
    const two = new Told()
      .host("h1", "")
      .request("a", "h1")
      .host("h1", "a")
      .host("h2", "")
      .request("a", "h2")
      .host("h2", "a");
    assert.match(two.ledger.violations.join(), /got h2 while it had h1/);
  });

  test("finds a request that is gone while its machine is not, unless somebody deleted it", () => {
    const lost = new Told().machine("a").request("a").requestGone("a");
    assert.match(lost.ledger.violations.join(), /request beskar7machine-a is gone and /);
    const renounced = new Told().machine("a").request("a");
    renounced.ledger.renounce("uid-beskar7machine-a");
    assert.deepEqual(renounced.requestGone("a").ledger.violations, []);
    const ended = new Told().machine("a").request("a").machine("a", { deleting: true }).requestGone("a");
    assert.deepEqual(ended.ledger.violations, []);
  });

  test("finds a request that is gone while the write of its host may still land", () => {
    const told = new Told().host("h1", "").request("a", "h1").requestGone("a");
    assert.match(told.ledger.violations.join(), /gone while a write of h1/);
  });
});
