// Run by go-build.test.ts, with a "go" of its own in PATH: builds and says where the result is.
import { buildCached } from "./go-build.ts";

const module = process.argv[2]!;
process.stdout.write(`${await buildCached("fixture", [{ module, args: ["./..."], says: "a fixture" }])}\n`);
