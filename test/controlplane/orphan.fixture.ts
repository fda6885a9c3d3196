// Run by supervise.test.ts: starts a child, says which, and stays until it is killed.
import { join } from "node:path";
import { supervise } from "./supervise.ts";

const folder = process.argv[2]!;
const child = await supervise("sleep", ["600"], { logFile: join(folder, "log"), folder });
process.stdout.write(`${child.pid}\n`);
await child.exited;
