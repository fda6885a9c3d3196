import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { createLog } from "../log.ts";
import { connect } from "./connect.ts";
import { install, toYaml } from "./install.ts";
import type { Names } from "./install-names.ts";
import { installObjects, type Registration } from "./install-objects.ts";
import { uninstall } from "./uninstall.ts";

/** `install` and `uninstall`: the command line's words for what the functions of that name do. */
export async function runSetup(config: Config): Promise<number> {
  const names = namesOf(config);
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  const common = { clock: systemClock, log: createLog(config.logLevel, process.stderr), names, print };
  const { dryRun } = config;
  const registration = registrationOf(config);
  if (config.command === "install" && dryRun) {
    print(toYaml(installObjects(names, registration)).trimEnd());
    return 0;
  }
  const api = connect(config);
  try {
    if (config.command === "install") return await install({ ...common, api, registration });
    return await uninstall({ ...common, api, dryRun, leaseName: config.leaseName });
  } finally {
    api.close();
  }
}

export function namesOf(config: Config): Names {
  return {
    namespace: config.serviceNamespace,
    leaseNamespace: config.leaseNamespace,
    certSecret: config.certSecretName,
    registration: "beskar7-claim-coordinator",
  };
}

/** Where the API server finds the service, and what it does while nobody answers. */
export function registrationOf(config: Config): Registration {
  return {
    target:
      config.webhookUrl === ""
        ? { service: { namespace: config.serviceNamespace, name: config.webhookServiceName } }
        : { url: config.webhookUrl },
    failurePolicy: config.failurePolicy,
    timeoutSeconds: Math.ceil(config.webhookTimeoutMs / 1000),
  };
}
