import { createHash } from "node:crypto";
import type { Core } from "./core.ts";
import { REVIEWS } from "./resources/builtins.ts";
import { apiVersionOf, type Resource, type Subresource, VERBS } from "./resources/resource.ts";

/** The API that the sandbox speaks: kubectl compares its own version with this one. */
export const VERSION = {
  major: "1",
  minor: "36",
  gitVersion: "v1.36.0-sandbox",
  gitCommit: "",
  gitTreeState: "",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: `${process.platform}/${process.arch}`,
};

const CRD_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const HALF_VERBS = ["get", "patch", "update"];

function verbsOf(resource: Resource): string[] {
  if (REVIEWS.includes(resource)) return ["create"];
  if (resource.custom) return CRD_VERBS;
  // Nobody may sweep away all namespaces at once.
  return resource.plural === "namespaces" ? VERBS.filter((verb) => verb !== "deletecollection") : VERBS;
}

function subresourceVerbs(subresource: Subresource): string[] {
  if (subresource === "token") return ["create"];
  return subresource === "finalize" ? ["update"] : HALF_VERBS;
}

/** Kinds that a subresource speaks instead of its parent's. */
function subresourceKind(resource: Resource, subresource: Subresource) {
  if (subresource === "scale") return { group: "autoscaling", version: "v1", kind: "Scale" };
  if (subresource === "token") return { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" };
  return { group: resource.group, version: resource.version, kind: resource.kind };
}

interface Group {
  readonly name: string;
  readonly versions: Map<string, Resource[]>;
}

/** Groups in the order of their registration; the core group has the empty name. */
function groups(core: Core): Group[] {
  const found = new Map<string, Group>();
  for (const resource of core.registry.all()) {
    let group = found.get(resource.group);
    if (group === undefined) {
      group = { name: resource.group, versions: new Map() };
      found.set(resource.group, group);
    }
    group.versions.set(resource.version, [...(group.versions.get(resource.version) ?? []), resource]);
  }
  return [...found.values()];
}

/** A discovery document, or undefined when the path names no group or version that is served. */
export function discoveryDocument(core: Core, path: string, accept: string, host: string): unknown {
  const [root, name, version, ...beyond] = path.split("/").filter((segment) => segment !== "");
  if (beyond.length > 0) return undefined;
  const all = groups(core);
  if (root === "api") {
    const legacy = all.filter((group) => group.name === "");
    if (name === undefined) return isAggregated(accept) ? aggregated(legacy) : apiVersions(host);
    return version === undefined ? resourceList(legacy[0], name) : undefined;
  }
  const named = all.filter((group) => group.name !== "");
  if (name === undefined) {
    if (isAggregated(accept)) return aggregated(named);
    return { kind: "APIGroupList", apiVersion: "v1", groups: named.map(apiGroup) };
  }
  const group = named.find((each) => each.name === name);
  if (group === undefined) return undefined;
  if (version === undefined) return { kind: "APIGroup", apiVersion: "v1", ...apiGroup(group) };
  return resourceList(group, version);
}

/** The content type that tells clients they got the aggregated form. */
export const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

export function isAggregated(accept: string): boolean {
  return accept.split(",").some((type) => /g=apidiscovery\.k8s\.io/.test(type) && /v=v2(;|$)/.test(type));
}

function apiVersions(host: string): unknown {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: host }],
  };
}

function apiGroup({ name, versions }: Group) {
  const listed = [...versions.keys()].map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: listed, preferredVersion: listed[0] };
}

function resourceList(group: Group | undefined, version: string): unknown {
  const resources = group?.versions.get(version);
  if (resources === undefined) return undefined;
  return {
    kind: "APIResourceList",
    // As in the API server: the core group's list is older than the field.
    ...(group?.name === "" ? {} : { apiVersion: "v1" }),
    groupVersion: apiVersionOf(resources[0] as Resource),
    resources: resources.flatMap((resource) => [
      {
        name: resource.plural,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: verbsOf(resource),
        ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
        ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
        ...(REVIEWS.includes(resource) ? {} : { storageVersionHash: storageVersionHash(resource) }),
      },
      ...resource.subresources.map((subresource) => {
        const kind = subresourceKind(resource, subresource);
        const foreign = kind.group !== resource.group;
        return {
          name: `${resource.plural}/${subresource}`,
          singularName: "",
          namespaced: resource.namespaced,
          ...(foreign ? { group: kind.group, version: kind.version } : {}),
          kind: kind.kind,
          verbs: subresourceVerbs(subresource),
        };
      }),
    ]),
  };
}

/** Changes when objects are stored under another version. */
function storageVersionHash({ group, kind, storageVersion }: Resource): string {
  const stored = `${group}/${storageVersion.split("/").at(-1)}/${kind}`;
  return createHash("sha256").update(stored).digest().subarray(0, 8).toString("base64");
}

function aggregated(all: readonly Group[]): unknown {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: all.map(({ name, versions }) => ({
      metadata: name === "" ? {} : { name },
      versions: [...versions].map(([version, resources]) => ({
        version,
        resources: resources.map(discoveredResource),
        freshness: "Current",
      })),
    })),
  };
}

/** Built-in kinds leave group and version to be read from where the entry stands. */
function ownKind({ group, version, kind, custom }: Resource) {
  return custom ? { group, version, kind } : { group: "", version: "", kind };
}

function discoveredResource(resource: Resource): unknown {
  return {
    resource: resource.plural,
    responseKind: ownKind(resource),
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: verbsOf(resource),
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(resource.subresources.length === 0
      ? {}
      : {
          subresources: resource.subresources.map((subresource) => ({
            subresource,
            responseKind:
              subresource === "scale" || subresource === "token"
                ? subresourceKind(resource, subresource)
                : ownKind(resource),
            verbs: subresourceVerbs(subresource),
          })),
        }),
  };
}
