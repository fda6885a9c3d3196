import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { sleep, systemClock } from "../../src/clock.ts";

/**
 * What a network does to the connections through a link.
 *
 *     open     nothing
 *     silent   nothing arrives on either side; connections stay, new ones are accepted and get no answer
 *     mute     what the caller sends does not arrive; answers to what arrived before do
 *     deaf     the caller's words arrive, the answers don't: a write is stored and its sender never hears of it
 *     slow     every piece arrives late, by `delayMs`
 *     reset    connections end with RST at once, new ones too
 *
 * What was held back arrives when the link is open again, as TCP repeats what was lost: also when its sender has given
 * up and closed meanwhile. So a write can be stored long after its sender wrote it off.
 */
export type Mood = "open" | "silent" | "mute" | "deaf" | "slow" | "reset";

type Direction = "there" | "back";

const HELD: Record<Direction, readonly Mood[]> = { there: ["silent", "mute"], back: ["silent", "deaf"] };
/** A server gets this long to act on what arrived late before it is told that the sender is gone. */
const LAST_WORDS_MS = 1_000;

/** A TCP proxy in front of one port of 127.0.0.1 which can treat its connections as a bad network does. */
export class Link {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #mood: Mood = "open";
  #delayMs = 0;
  #changed = Promise.withResolvers<void>();
  #hindered = 0;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
  }

  static async to(target: number): Promise<Link> {
    const server = createServer({ allowHalfOpen: true });
    const link = new Link(server, target);
    server.on("connection", (caller) => link.#carry(caller));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get mood(): Mood {
    return this.#mood;
  }

  /** How many pieces came late, and how many connections were broken or refused: whether a mood met anything. */
  get hindered(): number {
    return this.#hindered;
  }

  /** Resolves when nothing is in the way, until somebody sets another mood. */
  async untilOpen(): Promise<void> {
    while (this.#mood !== "open") await this.#changed.promise;
  }

  /** `delayMs` counts for "slow" alone. */
  set(mood: Mood, delayMs = 0): void {
    this.#mood = mood;
    this.#delayMs = delayMs;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    if (mood !== "reset") return;
    this.#hindered += this.#sockets.size;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    this.set("open");
    await closed;
  }

  #carry(caller: Socket): void {
    if (this.#mood === "reset") {
      this.#hindered++;
      caller.resetAndDestroy();
      return;
    }
    const callee = connect({ port: this.#target, host: "127.0.0.1", allowHalfOpen: true });
    this.#follow(caller, callee, "there");
    this.#follow(callee, caller, "back");
  }

  /** Hands on what comes from one side, in order, each piece when the mood lets it pass; then the end. */
  #follow(from: Socket, to: Socket, direction: Direction): void {
    let last = Promise.resolve();
    let over = false;
    let held = false;
    this.#sockets.add(from);
    from.on("data", (piece: Buffer) => {
      last = last.then(async () => {
        held = await this.#passage(direction);
        if (to.writable) to.write(piece);
      });
    });
    const end = () => {
      if (over) return;
      over = true;
      last = last.then(async () => {
        if ((await this.#passage(direction)) || held) await sleep(systemClock, LAST_WORDS_MS);
        to.end();
        // Nobody is left to read an answer.
        if (from.destroyed) to.destroySoon();
      });
    };
    from.on("end", end);
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      end();
    });
  }

  /** Resolves when a piece may pass, with whether it had to wait. */
  async #passage(direction: Direction): Promise<boolean> {
    let waited = false;
    if (this.#mood === "slow" || HELD[direction].includes(this.#mood)) this.#hindered++;
    while (HELD[direction].includes(this.#mood)) {
      waited = true;
      await this.#changed.promise;
    }
    if (this.#mood === "slow") await sleep(systemClock, this.#delayMs);
    return waited;
  }
}
