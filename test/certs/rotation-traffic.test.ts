import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, get } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { CaBundleKeeper } from "../../certs/ca-bundle.ts";
import { DEFAULT_ROTATION, takeStep } from "../../certs/rotation.ts";
import { readState, writeState } from "../../certs/secret-state.ts";
import { SecretStore } from "../../certs/secret-store.ts";
import { SelfManagedCertificates } from "../../certs/self-managed.ts";
import { systemClock } from "../../src/clock.ts";
import { SECRETS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../src/kube/types.ts";
import { silentLog } from "../../src/log.ts";
import { validatingWebhookConfiguration } from "../../webhooks/registration.ts";
import { MemoryObjects, memoryApi } from "./memory-api.ts";

const ROTATIONS = 100;
/** The old authority is dropped at once: there is one replica, and it serves the new certificate by then. */
const policy = { ...DEFAULT_ROTATION, dnsNames: ["localhost"], ipAddresses: [], retireAfterMs: 0 };
const wanted = validatingWebhookConfiguration({ target: { url: "https://localhost:1" }, caPem: "" });

function ask(port: number, ca: string, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", servername: "localhost", ca, agent }, (answer) => {
      answer.resume().once("end", () => resolve(answer.statusCode));
    }).once("error", reject);
  });
}

test("through 100 rotations of the authority no request fails, old connections and late clients included", async (t) => {
  const objects = new MemoryObjects();
  objects.put(VALIDATING_WEBHOOK_CONFIGURATIONS, wanted);
  // The date stays, since the TLS library compares certificates with that of the machine.
  let monotonicMs = 0;
  const clock = { ...systemClock, monotonicMs: () => monotonicMs };
  const api = memoryApi(objects);
  const store = new SecretStore({ api, namespace: "ns", name: "certs" });
  const source = new SelfManagedCertificates({
    store,
    keeper: new CaBundleKeeper({ api, desired: [wanted], log: silentLog }),
    policy,
    clock,
    log: silentLog,
  });
  await source.look();
  const { keyPem: key, certPem: cert } = source.current();
  const server = createServer({ key, cert }, (_request, response) => void response.end("ok"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => {
    kept.destroy();
    server.closeAllConnections();
    server.close();
  });
  source.onChange((next) => server.setSecureContext({ key: next.keyPem, cert: next.certPem }));
  const { port } = server.address() as AddressInfo;
  const published = () => {
    const [entry] = objects.read(VALIDATING_WEBHOOK_CONFIGURATIONS, wanted.metadata.name).webhooks as {
      clientConfig: { caBundle: string };
    }[];
    return Buffer.from(entry!.clientConfig.caBundle, "base64").toString();
  };
  const oldest = published();
  let late = oldest;
  /** A client that knows the bundle of now, one that is a step behind, and one on a connection of the beginning. */
  const askAll = async () => {
    const now = published();
    const clients = [ask(port, now, new Agent()), ask(port, late, new Agent()), ask(port, oldest, kept)];
    assert.deepEqual(await Promise.all(clients), [200, 200, 200]);
    late = now;
  };
  const authority = () => (objects.read(SECRETS, "certs").data as Record<string, string>)["ca.crt"];
  const authorities = new Set([authority()]);
  await askAll();
  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    const snapshot = await store.read();
    const read = readState(snapshot.data);
    assert(read.ok);
    await store.write(snapshot, writeState(takeStep(read.state, "prepare-authority", Date.now(), policy)));
    for (const waitMs of [0, 30_000, 30_000, 0]) {
      await source.look();
      await askAll();
      monotonicMs += waitMs;
    }
    authorities.add(authority());
  }
  assert.equal(authorities.size, ROTATIONS + 1);
});
