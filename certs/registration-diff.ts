import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../src/kube/api.ts";

/** One entry of a webhook configuration, as far as it is looked into. */
export interface WebhookEntry {
  readonly name: string;
  readonly clientConfig?: { readonly caBundle?: string };
  readonly [field: string]: unknown;
}

export function webhookEntries(configuration: KubeObject): readonly WebhookEntry[] {
  return Array.isArray(configuration.webhooks) ? configuration.webhooks : [];
}

/** What the API server fills in where a registration says nothing (admissionregistration.k8s.io/v1 defaults). */
const DEFAULTS: Readonly<Record<string, unknown>> = { namespaceSelector: {}, objectSelector: {} };

/**
 * What was changed in a registration, one line each, in a constant order. The caBundle is not compared (it is kept
 * current), neither are metadata and what the API server fills in.
 */
export function registrationDifferences(wanted: KubeObject, actual: KubeObject): string[] {
  const wantedEntries = webhookEntries(wanted);
  const actualEntries = webhookEntries(actual);
  const unknown = actualEntries
    .filter(({ name }) => !wantedEntries.some((entry) => entry.name === name))
    .map(({ name }) => `${name}: not ours`);
  const changed = wantedEntries.flatMap((entry) => {
    const found = actualEntries.find(({ name }) => name === entry.name);
    if (found === undefined) return [`${entry.name}: missing`];
    return entryDifferences(entry, found).map((line) => `${entry.name}.${line}`);
  });
  return [...changed, ...unknown];
}

function entryDifferences(wanted: WebhookEntry, actual: WebhookEntry): string[] {
  const [want, have] = [comparable(wanted), comparable(actual)];
  const fields = [...new Set([...Object.keys(want), ...Object.keys(have)])].sort();
  return fields
    .filter((field) => !isDeepStrictEqual(want[field], have[field]))
    .map((field) => `${field} is ${JSON.stringify(have[field])}, not ${JSON.stringify(want[field])}`);
}

function comparable(entry: WebhookEntry): Record<string, unknown> {
  const { caBundle: _, ...clientConfig } = entry.clientConfig ?? {};
  return { ...DEFAULTS, ...entry, clientConfig };
}
