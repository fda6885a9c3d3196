import { oneHost } from "./one-host.ts";

await oneHost("one machine, one host, without any leader");
