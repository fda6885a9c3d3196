import type { KubeObject, ResourceType } from "../../kube/api.ts";
import type { Schema } from "../schema/schema.ts";
import type { FieldError } from "../status.ts";

export type Cell = string | number | boolean | null;

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** 0 is always shown, higher ones only with `-o wide`. */
  readonly priority?: number;
  cell(object: KubeObject, nowMs: number): Cell;
}

export type Subresource = "status" | "scale" | "finalize" | "token";

/** What a name must look like: RFC 1123 subdomain or label, RFC 1035 label, or only fit for a URL path. */
export type NameRule = "subdomain" | "label" | "label1035" | "path";

/** Everything the pipeline needs to know of a resource type; one per served version. */
export interface Resource extends ResourceType {
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly Subresource[];
  readonly custom: boolean;
  /** Whether metadata.generation counts changes outside metadata and status. */
  readonly generation: boolean;
  /** Whether PUT creates what isn't there. */
  readonly createOnUpdate: boolean;
  /** Whether what a write makes of the object may be without metadata.resourceVersion. */
  readonly unconditionalUpdate: boolean;
  readonly nameRule: NameRule;
  /** Field selectors beside metadata.name and metadata.namespace. */
  readonly selectable: readonly string[];
  readonly columns: readonly Column[];
  readonly schema: Schema | undefined;
  /** The apiVersion under which objects are stored. */
  readonly storageVersion: string;
  /** Fills in what the API server would, in place. */
  readonly applyDefaults?: (object: KubeObject) => void;
  readonly validate?: (object: KubeObject, old: KubeObject | undefined) => FieldError[];
}

/** `group/version`, or the version alone in the core group. */
export function apiVersionOf({ group, version }: ResourceType): string {
  return group === "" ? version : `${group}/${version}`;
}

/** "get" and so on, in the order in which discovery lists them. */
export const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
