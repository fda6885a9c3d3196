import { INTENT_ANNOTATION } from "../hosts/annotations.ts";
import type { KubeObject } from "../kube/api.ts";

/** What the processor says in its own write: under which term, and as of which versions, it chose. */
export interface Intent {
  /** formatTerm. */
  readonly term: string;
  /** resourceVersions up to which its mirrors had seen these; "" where it has no such mirror. */
  readonly hosts: string;
  readonly requests: string;
  readonly machines: string;
  /** Differs from write to write, so that a value left on a host is never taken for a new one. */
  readonly nonce: string;
}

export function encodeIntent(intent: Intent): Readonly<Record<string, string>> {
  const { term, hosts, requests, machines, nonce } = intent;
  return { [INTENT_ANNOTATION]: JSON.stringify({ term, hosts, requests, machines, nonce }) };
}

/**
 * The intent that this very write sets, or null: one that was there before says nothing about the writer. What
 * can't be read names a term that no holder can have, so that a garbled intent is fenced out, not ignored.
 */
export function intentOf(oldObject: KubeObject, newObject: KubeObject): Intent | null {
  const text = newObject.metadata.annotations?.[INTENT_ANNOTATION];
  if (text === undefined || text === oldObject.metadata.annotations?.[INTENT_ANNOTATION]) return null;
  try {
    const { term, hosts, requests, machines = "", nonce } = JSON.parse(text);
    if ([term, hosts, requests, machines, nonce].every((field) => typeof field === "string")) {
      return { term, hosts, requests, machines, nonce };
    }
  } catch {
    // Falls through to the unreadable intent.
  }
  return { term: "unreadable", hosts: "", requests: "", machines: "", nonce: "" };
}
