import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildCached, builtFolder, type GoBuild, hasGo, isBuilt } from "./go-build.ts";

export interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly kubectl: string;
}

const KUBERNETES = "v1.36.3";
const [MAJOR, MINOR] = KUBERNETES.slice(1).split(".");
const VERSION = "k8s.io/component-base/version";

const BUILDS: readonly GoBuild[] = [
  {
    module: join(import.meta.dirname, "etcd"),
    args: ["-ldflags", "-s -w", "go.etcd.io/etcd/server/v3"],
    says: "etcd (about 40 s, once)",
  },
  {
    module: join(import.meta.dirname, "kube"),
    args: [
      "-ldflags",
      // Without a version of its own kubectl refuses to talk, and clients can't parse what /version says.
      `-s -w -X ${VERSION}.gitVersion=${KUBERNETES} -X ${VERSION}.gitMajor=${MAJOR} -X ${VERSION}.gitMinor=${MINOR}`,
      "k8s.io/kubernetes/cmd/kube-apiserver",
      "k8s.io/kubernetes/cmd/kubectl",
    ],
    says: `kube-apiserver and kubectl ${KUBERNETES} (3 to 4 minutes, once)`,
  },
];

/** Go names a binary after its package: the last element of "server/v3" that is not a version. */
const ETCD_AS_BUILT = "server";

/**
 * The binaries, from KUBEBUILDER_ASSETS, from the cache, or built now (minutes, with progress on standard error).
 * Undefined where none of these is possible; rejects when KUBEBUILDER_ASSETS is incomplete or the build fails.
 */
export async function findBinaries(env: NodeJS.ProcessEnv = process.env): Promise<Binaries | undefined> {
  const assets = env.KUBEBUILDER_ASSETS;
  if (assets) return complete(assets, "etcd");
  if (!isBuilt(builtFolder("controlplane", BUILDS)) && !hasGo()) return undefined;
  return complete(await buildCached("controlplane", BUILDS), ETCD_AS_BUILT);
}

function complete(folder: string, etcd: string): Binaries {
  const binaries = {
    etcd: join(folder, etcd),
    apiServer: join(folder, "kube-apiserver"),
    kubectl: join(folder, "kubectl"),
  };
  const missing = Object.values(binaries).filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`The control plane is incomplete: ${missing.join(", ")} missing`);
  return binaries;
}
