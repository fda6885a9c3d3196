import { oneHost } from "../e2e/one-host.ts";

await oneHost("one machine, one host, without any leader and without any watch", { stateless: true });
