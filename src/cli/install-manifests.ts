import { stealGuardObjects } from "../../webhooks/steal-guard.ts";
import type { KubeObject } from "../kube/api.ts";
import { claimRequestDefinition } from "../requests/crd.ts";
import { toYaml } from "./install.ts";
import { LABELS, type Names, SERVICE_NAME } from "./install-names.ts";
import { flowControlObjects, registrationObjects } from "./install-objects.ts";
import { rbacObjects, statelessRoles } from "./install-rbac.ts";

/** The names that the manifests are written for; kustomize renames from there. */
const NAMES: Names = {
  namespace: "beskar7-system",
  leaseNamespace: "beskar7-system",
  certSecret: `${SERVICE_NAME}-certs`,
  registration: SERVICE_NAME,
};

/** The generated files of manifests/base, by file name: the same objects that `install` applies. */
export function generatedManifests(): Readonly<Record<string, string>> {
  const target = { service: { namespace: NAMES.namespace, name: SERVICE_NAME } };
  const files = {
    "crd.gen.yaml": [claimRequestDefinition(LABELS)],
    "rbac.gen.yaml": rbacObjects(NAMES),
    "flowcontrol.gen.yaml": flowControlObjects(NAMES),
    "webhooks.gen.yaml": registrationObjects(NAMES, { target }),
  };
  return texts(files);
}

/** The generated files of manifests/components, by path there: what is no part of `install`. */
export function generatedComponents(): Readonly<Record<string, string>> {
  return texts({
    "steal-guard/policies.gen.yaml": stealGuardObjects(LABELS),
    "stateless/roles.gen.yaml": statelessRoles(NAMES),
  });
}

function texts(files: Readonly<Record<string, KubeObject[]>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(files).map(([name, objects]) => [
      name,
      `# Generated from the objects of \`install\`; UPDATE_DOCS=1 npm test rewrites it.\n${toYaml(objects)}`,
    ]),
  );
}
