import { describe } from "node:test";
import { skipWithoutControlPlane, startControlPlane } from "../controlplane/index.ts";
import { conformance } from "./suite.ts";
import { STRANGER } from "./target.ts";

const name = "conformance of kube-apiserver";

describe("the truth", { skip: await skipWithoutControlPlane(name) }, () => {
  conformance("kube-apiserver", {
    truth: true,
    async start() {
      const plane = await startControlPlane({
        users: [{ name: STRANGER }],
        // With it a list of old is served, or Expired, according to what the cache happens to have kept.
        apiServerArgs: ["--feature-gates=ListFromCacheSnapshot=false"],
      });
      return { ...plane, strangerToken: plane.token(STRANGER) };
    },
  });
});
