#!/nodejs/bin/node
// The container's /manager: the bundle in app/ beside it, with the code that an earlier run compiled. The image is
// built with one such run; after that the file system is read-only, and what can't be used is compiled again.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache(join(import.meta.dirname, "app", "compiled"));
await import("./app/manager.mjs");
