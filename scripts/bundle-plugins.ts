import { builtinModules } from "node:module";
import type { Plugin } from "esbuild";

/**
 * Node's own modules by require instead of import: for an import Node reads every property of the module, and some
 * of them load a module of their own (of node:http a whole second HTTP client). About 15 % of the start.
 */
export const requiredBuiltins: Plugin = {
  name: "required-builtins",
  setup(build) {
    const names = new RegExp(`^(node:.+|${builtinModules.join("|")})$`);
    build.onResolve({ filter: names }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "builtin" } : { path, external: true },
    );
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

const CLIENT = "node_modules/@kubernetes/client-node/";
const RESOLVED = Symbol("resolved");

/**
 * Of the Kubernetes client the kubeconfig and its credentials, all that is used here. Its package does not say that
 * what nobody imports may be left out (a class for each API and each type); and undici, which it would hand to
 * fetch, is never asked for, since requests go through node:https.
 */
export const smallKubernetesClient: Plugin = {
  name: "small-kubernetes-client",
  setup(build) {
    build.onResolve({ filter: /^(@kubernetes\/client-node$|\.)/ }, async (args) => {
      const ours = args.path.startsWith("@") || args.importer.includes(CLIENT);
      if (!ours || args.pluginData === RESOLVED) return undefined;
      const { importer, kind, resolveDir } = args;
      const found = await build.resolve(args.path, { importer, kind, resolveDir, pluginData: RESOLVED });
      return { path: found.path, errors: found.errors, sideEffects: false };
    });
    build.onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: "unused" }));
    build.onLoad({ filter: /.*/, namespace: "unused" }, () => ({
      contents: `
        export const fetch = globalThis.fetch;
        export class Agent { constructor() { throw new Error("undici is not part of the bundle"); } }
        export class ProxyAgent extends Agent {}`,
    }));
  },
};
