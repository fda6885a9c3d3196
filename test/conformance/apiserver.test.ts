import { describe } from "node:test";
import { skipWithoutControlPlane, startControlPlane } from "../controlplane/index.ts";
import { conformance } from "./suite.ts";
import { STRANGER } from "./target.ts";

const name = "conformance of kube-apiserver";

describe("the truth", { skip: await skipWithoutControlPlane(name) }, () => {
  conformance("kube-apiserver", {
    truth: true,
    async start() {
      const plane = await startControlPlane({ users: [{ name: STRANGER }] });
      return { ...plane, strangerToken: plane.token(STRANGER) };
    },
  });
});
