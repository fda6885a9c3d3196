// Bundles the service into one file, dist/manager.mjs: what the container runs, with nothing else beside it.
import { chmodSync, statSync } from "node:fs";
import { build } from "esbuild";

const root = `${import.meta.dirname}/..`;
const outfile = `${root}/dist/manager.mjs`;

await build({
  absWorkingDir: root,
  entryPoints: ["src/main.ts"],
  outfile,
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  // Functions keep their names in stack traces.
  keepNames: true,
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
process.stdout.write(`dist/manager.mjs, ${Math.round(statSync(outfile).size / 1024)} KiB\n`);
