import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Link } from "./link.ts";

describe("a link", { timeout: 20_000 }, () => {
  let server: Server;
  let link: Link;
  let callers: Socket[];
  /** What the server was told, and whether its caller has closed. */
  let heard: string[];
  let told: PromiseWithResolvers<void>;

  beforeEach(async () => {
    // Of this test's own: sockets of an earlier one may still end.
    const words: string[] = [];
    heard = words;
    callers = [];
    told = Promise.withResolvers();
    const hear = (word: string) => {
      words.push(word);
      told.resolve();
      told = Promise.withResolvers();
    };
    server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (data) => {
        hear(String(data));
        socket.write(`re: ${data}`);
      });
      socket.on("end", () => hear("(end)"));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    link = await Link.to((server.address() as AddressInfo).port);
  });
  afterEach(async () => {
    for (const caller of callers) caller.destroy();
    await link.close();
    server.close();
  });

  const call = () => {
    const caller = connect({ port: link.port, host: "127.0.0.1" });
    callers.push(caller);
    return caller;
  };
  const hears = async (caller: Socket) => String((await once(caller, "data"))[0]);
  const untilHeard = async (count: number) => {
    while (heard.length < count) await told.promise;
  };

  test("carries words, answers and the end", async () => {
    const caller = call();
    caller.write("hello");
    assert.equal(await hears(caller), "re: hello");
    caller.end();
    await untilHeard(2);
    assert.deepEqual(heard, ["hello", "(end)"]);
  });

  test("that is silent delivers later what its sender has given up, and then that he is gone", async () => {
    const caller = call();
    caller.write("first");
    await hears(caller);
    link.set("silent");
    caller.write("late");
    await new Promise((resolve) => setImmediate(resolve));
    caller.destroy();
    await once(caller, "close");
    // Another connection, so that what was sent has certainly reached the link.
    await once(call(), "connect");
    assert.deepEqual(heard, ["first"]);
    link.set("open");
    await untilHeard(3);
    assert.deepEqual(heard, ["first", "late", "(end)"]);
  });

  test("that is deaf lets the words through and keeps the answers", async () => {
    link.set("deaf");
    const caller = call();
    const answer = hears(caller);
    caller.write("question");
    await untilHeard(1);
    assert.equal(await Promise.race([answer, new Promise((resolve) => setImmediate(resolve))]), undefined);
    link.set("open");
    assert.equal(await answer, "re: question");
  });

  test("that is mute keeps the words", async () => {
    const caller = call();
    await once(caller, "connect");
    link.set("mute");
    caller.write("question");
    await once(call(), "connect");
    assert.deepEqual(heard, []);
    link.set("open");
    assert.equal(await hears(caller), "re: question");
  });

  test("that resets ends what is there, and what comes", async () => {
    const caller = call();
    caller.write("hello");
    await hears(caller);
    const broken = once(caller, "error");
    link.set("reset");
    assert.equal(((await broken)[0] as NodeJS.ErrnoException).code, "ECONNRESET");
    await once(call(), "error");
  });

  test("that is slow keeps the order", async () => {
    link.set("slow", 5);
    const caller = call();
    caller.write("1");
    await hears(caller);
    caller.write("2");
    await hears(caller);
    assert.deepEqual(heard, ["1", "2"]);
  });

  test("counts whom it was in the way of, and nobody while it is open", async () => {
    const caller = call();
    caller.write("hello");
    await hears(caller);
    assert.equal(link.hindered, 0);
    link.set("deaf");
    assert.equal(link.hindered, 0);
    caller.write("question");
    while (link.hindered === 0) await new Promise(setImmediate);
    const open = link.untilOpen();
    link.set("open");
    await open;
    await hears(caller);
    assert.equal(link.hindered, 1);
    const broken = once(caller, "error");
    link.set("reset");
    const before = link.hindered;
    assert.ok(before > 1, "connections that it broke");
    await broken;
    await once(call(), "error");
    assert.ok(link.hindered > before, "a connection that it refused");
  });
});
