import { builtinModules } from "node:module";
import { join } from "node:path";
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

const CLIENT = join(import.meta.dirname, "../node_modules/@kubernetes/client-node/dist");

/** In place of a module: one that exports the same names. */
const REPLACED: Readonly<Record<string, string>> = {
  "@kubernetes/client-node": `export { KubeConfig } from "./config.js";`,
  "./gen/index.js": `
    export { createConfiguration } from "./gen/configuration.js";
    export { ServerConfiguration } from "./gen/servers.js";`,
  undici: `
    export const fetch = globalThis.fetch;
    export class Agent { constructor() { throw new Error("undici is not part of the bundle"); } }
    export class ProxyAgent extends Agent {}`,
};

/**
 * Of the Kubernetes client the kubeconfig and its credentials, all that is used here: not the class that it has for
 * each API and each type, and not undici, which it would hand to fetch, since requests go through node:https.
 */
export const smallKubernetesClient: Plugin = {
  name: "small-kubernetes-client",
  setup(build) {
    build.onResolve(
      { filter: /^(@kubernetes\/client-node|\.\/gen\/index\.js|undici)$/ },
      ({ path, importer }) =>
        path.startsWith("@") || importer.startsWith(CLIENT) ? { path, namespace: "replaced" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "replaced" }, ({ path }) => {
      const contents = REPLACED[path];
      return contents === undefined ? undefined : { contents, resolveDir: CLIENT };
    });
  },
};
