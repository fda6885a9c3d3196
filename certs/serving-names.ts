import { isIP } from "node:net";
import type { RegistrationTarget } from "../webhooks/registration.ts";
import type { RotationPolicy } from "./rotation.ts";

/**
 * What a serving certificate has to answer to: the name that the API server calls by (of the Service, or of the URL
 * where the service runs elsewhere), and this machine's own, for a port-forward.
 */
export function servingNames(target: RegistrationTarget): Pick<RotationPolicy, "dnsNames" | "ipAddresses"> {
  const dnsNames = ["localhost"];
  const ipAddresses = ["127.0.0.1"];
  if ("service" in target) {
    const { name, namespace } = target.service;
    dnsNames.unshift(`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`);
  } else {
    const host = new URL(target.url).hostname.replace(/^\[|\]$/g, "");
    (isIP(host) === 0 ? dnsNames : ipAddresses).unshift(host);
  }
  return { dnsNames: [...new Set(dnsNames)], ipAddresses: [...new Set(ipAddresses)] };
}
