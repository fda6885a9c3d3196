import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A layer-4 balancer, as a Service is: each connection goes to the next target; it never looks inside. */
export class Balancer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #targets: readonly number[] = [];
  #next = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Balancer> {
    const server = createServer();
    const balancer = new Balancer(server);
    server.on("connection", (client) => balancer.#forward(client));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return balancer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections from now on; with `cut` the open ones end, so that the API server must connect anew. */
  setTargets(ports: readonly number[], options: { cut?: boolean } = {}): void {
    this.#targets = ports;
    if (options.cut) this.cut();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  #forward(client: Socket): void {
    const port = this.#targets[this.#next++ % Math.max(1, this.#targets.length)];
    if (port === undefined) return void client.destroy();
    const target = connect({ port, host: "127.0.0.1" });
    for (const socket of [client, target]) {
      this.#sockets.add(socket);
      socket.on("error", () => {
        client.destroy();
        target.destroy();
      });
      socket.on("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.pipe(target);
    target.pipe(client);
  }
}
