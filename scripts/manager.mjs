#!/nodejs/bin/node
// The container's /manager: the bundle in app/ beside it, with the code that an earlier run compiled. The image is
// built with one such run; after that the file system is read-only, and what can't be used is compiled again.
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// A list of 10,000 hosts is 70 MB of JSON, of which 15 MB stay. By default V8 lets the heap grow to several times
// that before it looks for the first time; a first look at an empty heap makes it look early, and this factor often.
setFlagsFromString("--heap-growing-percent=30");
setFlagsFromString("--expose-gc");
runInNewContext("gc")();

enableCompileCache(join(import.meta.dirname, "app", "compiled"));
await import("./app/manager.mjs");
