import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { connect } from "./connect.ts";
import { runDoctor } from "./doctor.ts";
import { runExplain } from "./explain.ts";
import { runQueue } from "./queue.ts";
import { jwksOfSecret, runVerify } from "./verify.ts";

/** Commands that look at a cluster and change nothing. Resolves with the exit code; rejects with a KubeError. */
export async function runInspect(config: Config): Promise<number> {
  const api = connect(config);
  const io = {
    api,
    clock: systemClock,
    out: (text: string) => void process.stdout.write(`${text}\n`),
    err: (text: string) => void process.stderr.write(`${text}\n`),
    jwks: () => jwksOfSecret(api, config.serviceNamespace, config.certSecretName),
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
    api.close();
  }
}
