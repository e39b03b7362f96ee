// What applications do from within callbacks: join, leave, connect, disconnect, throw.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { codeOf, connect, freeze, joined, last, room, settle, sockets, thaw } from "./server.ts";

beforeEach(freeze);
afterEach(thaw);

/** How often the client has sent event on its last connection. */
const count = (event: string): number => last().frames().filter((frame) => frame[3] === event).length;

describe("a join from a callback", () => {
  test("that hears of the connection is sent once, and stays joined", async () => {
    const socket = connect();
    const channel = socket.channel(room, { room_id: "lobby" });
    socket.onState((state) => state === "open" && void channel.join());
    socket.connect();
    await settle();
    await last().open();
    expect(count("phx_join")).toBe(1);
    await last().reply("phx_join", { recent: [] });
    await settle(25_000);
    expect(channel.state).toBe("joined");
  });

  test("that hears of the end of a leave takes the place of a join that was to follow it", async () => {
    const { channel } = await joined();
    const joins: Promise<unknown>[] = [];
    const stop = channel.onState((state) => state === "closed" && joins.push(channel.join()));
    void channel.leave();
    await expect(channel.join()).rejects.toThrow("is joining: join() once");
    stop();
    await last().reply("phx_join", { recent: ["a"] });
    expect(await Promise.all(joins)).toEqual([{ recent: ["a"] }]);
  });
});

describe("a leave from a callback", () => {
  test("that hears of the connecting leaves nothing behind", async () => {
    const socket = connect();
    const channel = socket.channel(room, { room_id: "lobby" });
    socket.onState((state) => state === "connecting" && void channel.leave());
    expect(await codeOf(channel.join())).toBe("left");
    await last().open();
    expect([channel.state, count("phx_join")]).toEqual(["closed", 0]);
  });

  test("that hears of the join, and a join after it, hold back what is pushed then", async () => {
    const { channel } = await joined();
    await last().drop();
    const stop = channel.onState((state) => {
      if (state !== "joined") return;
      stop();
      void channel.leave();
      void channel.join();
      void channel.push("send", { body: "a" });
    });
    await settle(250);
    await last().open();
    await last().reply("phx_join", { recent: [] });
    expect([channel.state, count("send")]).toEqual(["joining", 0]);
    await last().reply("phx_join", { recent: [] });
    expect([channel.state, count("send")]).toEqual(["joined", 1]);
  });

  test("that hears of another channel's rejoin is kept to", async () => {
    const { socket, channel } = await joined();
    const other = socket.channel(room, { room_id: "other" });
    void other.join();
    await settle();
    await last().reply("phx_join", { recent: [] });
    channel.onState((state) => state === "joining" && void other.leave());
    await last().drop();
    await settle(250);
    await last().open();
    expect([other.state, count("phx_join")]).toEqual(["closed", 1]);
  });

  test("that hears of another channel's loss is kept to", async () => {
    const { socket, channel } = await joined();
    const other = socket.channel(room, { room_id: "other" });
    const left = codeOf(other.join());
    channel.onState((state) => state === "errored" && void other.leave());
    await last().drop();
    expect([await left, other.state]).toEqual(["left", "closed"]);
  });
});

test("a disconnect from a channel's callback fails the joins of the others, and they stay closed", async () => {
  const { socket, channel } = await joined();
  const other = socket.channel(room, { room_id: "other" });
  const failed = codeOf(other.join());
  channel.onState((state) => state === "errored" && socket.disconnect());
  await last().drop();
  expect([await failed, other.state, socket.state]).toEqual(["disconnected", "closed", "closed"]);
});

describe("a disconnect from a callback keeps nothing from the others", () => {
  test("not the event that is being told of, since the position has passed it", async () => {
    const { socket, channel } = await joined();
    const seen = vi.fn();
    channel.on("created", () => socket.disconnect());
    channel.on("created", seen);
    await last().message(null, "1:1", "room:lobby", "created", { body: "a" });
    expect(seen).toHaveBeenCalledOnce();
  });

  test("not that a rejoin has recovered nothing", async () => {
    const { socket, channel, rejoins } = await joined();
    await last().drop();
    channel.onState((state) => state === "joined" && socket.disconnect());
    await settle(250);
    await last().open();
    await last().reply("phx_join", { recent: [] }, "ok", { recovery: { position: "2:7", recovered: false } });
    expect(rejoins).toEqual([{ reply: { recent: [] }, recovered: false }]);
  });
});

test("a connect from a callback that hears of a refusal is another attempt", async () => {
  const { socket, channel } = await joined();
  socket.onState((state) => state === "refused" && socket.connect());
  await last().drop(4403, "who?");
  await settle();
  await last().open();
  await last().reply("phx_join", { recent: [] });
  expect([socket.state, channel.state, sockets.length]).toEqual(["open", "joined", 2]);
});

test("whatever callbacks throw, the channel goes on", async () => {
  const reported = vi.fn();
  vi.stubGlobal("reportError", reported);
  const { socket, channel } = await joined();
  const wrong = (): never => {
    throw new Error("a mistake");
  };
  socket.onState(wrong);
  channel.onState(wrong);
  channel.on("created", wrong);
  channel.presence.onChange(wrong);
  await last().drop();
  await settle(250);
  await last().open();
  await last().reply("phx_join", { recent: [] });
  await last().message(null, null, "room:lobby", "created", { body: "a" });
  await last().message(null, null, "room:lobby", "presence_state", {});
  expect(channel.state).toBe("joined");
  expect(reported).toHaveBeenCalledTimes(7);
});
