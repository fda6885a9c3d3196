import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { KubeClient } from "../kube/client.ts";
import { readKeySet } from "../receipts/key-set.ts";
import { connect } from "./connect.ts";
import { runDoctor } from "./doctor.ts";
import { runExplain } from "./explain.ts";
import { runQueue } from "./queue.ts";
import { jwksOfSecret, runVerify } from "./verify.ts";

/**
 * Commands that look at a cluster and change nothing. Resolves with the exit code; rejects with a KubeError, or with a
 * KeySetError. A cluster is looked for only when something is asked of it.
 */
export async function runInspect(config: Config): Promise<number> {
  let client: KubeClient | undefined;
  const io = {
    get api() {
      client ??= connect(config);
      return client;
    },
    clock: systemClock,
    out: (text: string) => void process.stdout.write(`${text}\n`),
    err: (text: string) => void process.stderr.write(`${text}\n`),
    jwks: () =>
      config.jwks === ""
        ? jwksOfSecret(io.api, config.serviceNamespace, config.certSecretName)
        : readKeySet(config.jwks),
  };
  try {
    switch (config.command) {
      case "queue":
        return await runQueue(config, io);
      case "explain":
        return await runExplain(config, io);
      case "doctor":
        return await runDoctor(config, io);
      case "verify":
        return await runVerify(config, io);
      default:
        throw new TypeError(`${config.command} is no command that only looks`);
    }
  } finally {
    client?.close();
  }
}
