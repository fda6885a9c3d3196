import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { type Json, skipWithoutControlPlane, startControlPlane } from "../controlplane/index.ts";
import { conformance } from "./suite.ts";
import { STRANGER, type Target } from "./target.ts";

const name = "conformance of kube-apiserver";

const API_SERVER_ARGS = [
  // With it a list of old is served, or Expired, according to what the cache happens to have kept.
  "--feature-gates=ListFromCacheSnapshot=false",
  `--audit-policy-file=${join(import.meta.dirname, "audit-policy.yaml")}`,
  // Among the server's other output.
  "--audit-log-path=-",
];

describe("the truth", { skip: await skipWithoutControlPlane(name) }, () => {
  conformance("kube-apiserver", {
    truth: true,
    async start(): Promise<Target> {
      const plane = await startControlPlane({ users: [{ name: STRANGER }], apiServerArgs: API_SERVER_ARGS });
      return {
        ...plane,
        strangerToken: plane.token(STRANGER),
        auditLog: (namespace) =>
          readFileSync(join(plane.folder, "kube-apiserver.log"), "utf8")
            .split("\n")
            .filter((line) => line.startsWith('{"kind":"Event"'))
            .map((line): Json => JSON.parse(line))
            .filter((event) => event.objectRef.namespace === namespace),
      };
    },
  });
});
