import { createServer } from "node:net";

// Below the range from which the kernel takes ports for outgoing connections, so that nobody gets the port by
// accident between this probe and the server's own bind.
const FIRST = 20_000;
const LAST = 32_000;

/** Ports on 127.0.0.1 that were free a moment ago; chosen at random, since several test processes choose at once. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
