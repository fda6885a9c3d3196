// Bundles the service into one file, manager.mjs: what the container runs, with nothing else beside it.
//
//   node scripts/run.mjs scripts/build.ts [FOLDER]     default: dist
import { chmodSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { requiredBuiltins, smallKubernetesClient } from "./bundle-plugins.ts";

const root = `${import.meta.dirname}/..`;
const folder = process.argv[2] ?? "dist";
const outfile = resolve(root, folder, "manager.mjs");

await build({
  absWorkingDir: root,
  entryPoints: ["src/main.ts"],
  outfile,
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  plugins: [requiredBuiltins, smallKubernetesClient],
  // Names stay, so that stack traces can be read.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "linked",
  banner: {
    // Some dependencies are CommonJS and ask for node's own modules with require, which ESM files lack.
    js: '#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
chmodSync(outfile, 0o755);
process.stdout.write(`${join(folder, "manager.mjs")}, ${Math.round(statSync(outfile).size / 1024)} KiB\n`);
