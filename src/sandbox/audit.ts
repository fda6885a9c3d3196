import type { UserInfo } from "./auth/user.ts";
import type { RequestInfo } from "./request.ts";

/** What is said of a request beside its answer. */
export interface Remarks {
  /** For the client, as Warning headers. */
  readonly warnings: string[];
  /** For the audit log. */
  readonly annotations: Record<string, string>;
}

/** The core of an audit.k8s.io/v1 Event of the stage ResponseComplete. */
export interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string; readonly groups: readonly string[] };
  readonly objectRef?: {
    readonly resource: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
    readonly apiVersion: string;
    readonly subresource?: string;
  };
  readonly responseStatus: { readonly code: number };
  readonly annotations: Readonly<Record<string, string>>;
}

/** Told of each request that got past authentication, when its answer is ready. */
export type Auditor = (event: AuditEvent) => void;

export function auditEvent(
  info: RequestInfo,
  requestURI: string,
  { username, groups }: UserInfo,
  code: number,
  annotations: Readonly<Record<string, string>>,
): AuditEvent {
  const event = {
    verb: info.verb,
    requestURI,
    user: { username, groups },
    responseStatus: { code },
    annotations,
  };
  if (info.resource === undefined) return event;
  const { group, version, plural, namespace, name, subresource } = info.resource;
  return {
    ...event,
    objectRef: {
      resource: plural,
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === "" ? {} : { name }),
      ...(group === "" ? {} : { apiGroup: group }),
      apiVersion: version,
      ...(subresource === "" ? {} : { subresource }),
    },
  };
}
