import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChannelError } from "../src/errors.ts";
import type { ChannelDefinition } from "../src/types.ts";
import { codeOf, connect, freeze, joined, last, room, settle, sockets, thaw, type Contract } from "./server.ts";

beforeEach(freeze);
afterEach(thaw);

/** A channel that has not joined yet. */
async function joining() {
  const socket = connect();
  const channel = socket.channel(room, { room_id: "lobby" });
  const join = codeOf(channel.join());
  await settle();
  return { socket, channel, join };
}

function sent(event: string): unknown[] {
  return last()
    .frames()
    .filter((frame) => frame[3] === event)
    .map((frame) => frame[4]);
}

test("a push resolves with the reply", async () => {
  const { channel } = await joined();
  const reply = channel.push("send", { body: "hello" });
  expect(last().frame("send")).toEqual(["1", "2", "room:lobby", "send", { body: "hello" }]);
  await last().reply("send", { id: "7" });
  expect(await reply).toEqual({ id: "7" });
});

test("replies find their pushes in any order, and count once", async () => {
  const { channel } = await joined();
  const replies = Promise.all([channel.push("send", { body: "a" }), channel.push("send", { body: "b" })]);
  await last().message("1", "3", "room:lobby", "phx_reply", { status: "ok", response: { id: "second" } });
  await last().message("1", "2", "room:lobby", "phx_reply", { status: "ok", response: { id: "first" } });
  await last().message("1", "2", "room:lobby", "phx_reply", { status: "error", response: { reason: "late" } });
  expect(await replies).toEqual([{ id: "first" }, { id: "second" }]);
});

test("a push without a payload sends an empty object", async () => {
  const { channel } = await joined();
  void channel.push("typing");
  expect(sent("typing")).toEqual([{}]);
});

test("a push that the server refuses rejects with its error and the fields of it", async () => {
  const { channel } = await joined();
  const push = channel.push("send", { body: "hello" });
  const caught = push.catch((error: unknown) => error);
  await last().refuse("send", "slow_down", { message: "Too many messages.", retry_after_ms: 300 });
  expect(await caught).toBeInstanceOf(ChannelError);
  expect(await caught).toMatchObject({ code: "slow_down", message: "Too many messages.", retry_after_ms: 300 });
});

test("an error of the payload says what it is about", async () => {
  const { channel } = await joined();
  const sent = channel.tryPush("send", { body: "" });
  await last().refuse("send", "invalid_payload", { path: "/body", message: "must not be empty" });
  const message = "send on room:lobby: /body must not be empty";
  expect(await sent).toMatchObject({ error: { code: "invalid_payload", path: "/body", message } });
});

test("an error without a text says what failed with which code, and one without a reason has its status", async () => {
  const { channel } = await joined();
  const first = channel.tryPush("send", { body: "a" });
  await last().refuse("send", "internal");
  expect(await first).toMatchObject({ ok: false, error: { code: "internal", message: "send on room:lobby: internal" } });
  const second = channel.tryPush("send", { body: "b" });
  await last().reply("send", {}, "weird");
  expect(await second).toMatchObject({ ok: false, error: { code: "weird" } });
});

test.each([
  [{ status: 5, response: null }, "internal"],
  [{ response: { reason: "slow_down" } }, "slow_down"],
  [{}, "internal"],
  [{ status: "error", response: "text" }, "error"],
  [{ status: "error", response: { reason: 5, message: {}, code: "zz" } }, "error"],
  [{ status: "error", response: { reason: "" } }, "error"],
])("the reply %j fails the push with the code %s", async (reply, code) => {
  const { channel } = await joined();
  const push = channel.tryPush("send", { body: "a" });
  await last().message("1", "2", "room:lobby", "phx_reply", reply);
  expect(await push).toMatchObject({ ok: false, error: { code, message: `send on room:lobby: ${code}` } });
  expect(channel.state).toBe("joined");
});

test("a field of an error can have any name", async () => {
  const { channel } = await joined();
  const push = channel.tryPush("send", { body: "a" });
  await last().receive(
    '["1","2","room:lobby","phx_reply",{"status":"error","response":{"reason":"no","__proto__":{"x":1},"name":"n","code":"c"}}]',
  );
  const result = await push;
  expect(result).toMatchObject({ ok: false, error: { code: "no", name: "ChannelError" } });
  expect(!result.ok && result.error).toBeInstanceOf(ChannelError);
});

test("a reply to a topic that is not joined has no join_ref and counts too", async () => {
  const { channel } = await joined();
  const push = codeOf(channel.push("typing"));
  await last().message(null, "2", "room:lobby", "phx_reply", { status: "error", response: { reason: "unmatched topic" } });
  expect(await push).toBe("unmatched topic");
  expect(channel.state).toBe("joined");
});

describe("tryPush", () => {
  test("has the reply or the error as a result", async () => {
    const { channel } = await joined();
    const first = channel.tryPush("send", { body: "a" });
    await last().reply("send", { id: "1" });
    expect(await first).toEqual({ ok: true, reply: { id: "1" } });
    const second = channel.tryPush("send", { body: "b" });
    await last().refuse("send", "slow_down", { retry_after_ms: 1 });
    expect(await second).toMatchObject({ ok: false, error: { code: "slow_down", retry_after_ms: 1 } });
  });

  test("still throws for a mistake in the program", async () => {
    const { channel } = await joined();
    const circular: { body: string; self?: object } = { body: "a" };
    circular.self = circular;
    await expect(channel.tryPush("send", circular)).rejects.toThrow(TypeError);
  });
});

describe("before the join", () => {
  test("pushes wait, as they were, and go out in order", async () => {
    const { channel } = await joining();
    const payload = { body: "a" };
    const first = channel.push("send", payload);
    payload.body = "changed";
    void channel.push("send", { body: "b" });
    await last().open();
    expect(sent("send")).toEqual([]);
    await last().reply("phx_join", { recent: [] });
    expect(sent("send")).toEqual([{ body: "a" }, { body: "b" }]);
    const [joinRef, ref] = last().frames().find(([, , , event]) => event === "send") ?? [null, null];
    await last().message(joinRef, ref, "room:lobby", "phx_reply", { status: "ok", response: { id: "1" } });
    expect(await first).toEqual({ id: "1" });
  });

  test("pushes wait through a lost connection too", async () => {
    const { channel } = await joined();
    await last().drop();
    void channel.push("send", { body: "a" });
    await settle(250);
    await last().open();
    await last().reply("phx_join", { recent: [] });
    expect(sent("send")).toEqual([{ body: "a" }]);
    expect(last().frame("send")[0]).toBe(last().frame("phx_join")[0]);
  });

  test("a push that times out while it waits is not sent", async () => {
    const { channel } = await joining();
    const push = codeOf(channel.push("send", { body: "a" }, { timeout: 100 }));
    await settle(100);
    expect(await push).toBe("timeout");
    await last().open();
    await last().reply("phx_join", { recent: [] });
    expect(sent("send")).toEqual([]);
  });

  test("the timeout counts anew once a push is sent", async () => {
    const { channel } = await joining();
    const seen = vi.fn();
    channel.push("send", { body: "a" }, { timeout: 1_000 }).catch(seen);
    await settle(900);
    await last().open();
    await last().reply("phx_join", { recent: [] });
    await settle(999);
    expect(seen).not.toHaveBeenCalled();
    await settle(1);
    expect(seen).toHaveBeenCalledTimes(1);
  });

  test("a push that is aborted while it waits is not sent", async () => {
    const { channel } = await joining();
    const control = new AbortController();
    const push = codeOf(channel.push("send", { body: "a" }, { signal: control.signal }));
    control.abort();
    expect(await push).toBe("aborted");
    await last().open();
    await last().reply("phx_join", { recent: [] });
    expect(sent("send")).toEqual([]);
  });

  test("pushes fail when the join is refused", async () => {
    const { channel, join } = await joining();
    const push = codeOf(channel.push("send", { body: "a" }));
    await last().open();
    await last().refuse("phx_join", "not_a_member");
    expect(await join).toBe("not_a_member");
    expect(await push).toBe("disconnected");
  });

  test("a push to a channel that nobody joins fails at once", async () => {
    const channel = connect().channel(room, { room_id: "lobby" });
    expect(await codeOf(channel.push("send", { body: "a" }))).toBe("left");
    expect(sockets).toEqual([]);
  });
});

describe("in flight, a push fails at once", () => {
  test.each([
    ["disconnected", "the connection is lost", () => last().drop()],
    ["disconnected", "the membership crashes", () => last().message("1", "1", "room:lobby", "phx_error", {})],
    ["disconnected", "the server closes the channel", () => last().message("1", "1", "room:lobby", "phx_close", {})],
    ["disconnected", "the server refuses the client", () => last().drop(4403, "no")],
    ["timeout", "there is no reply for ten seconds", () => settle(10_000)],
  ])("with %s when %s", async (code, _, happen) => {
    const { channel } = await joined();
    const push = codeOf(channel.push("send", { body: "a" }));
    await happen();
    expect(await push).toBe(code);
  });

  test("with left when the channel leaves", async () => {
    const { channel } = await joined();
    const push = codeOf(channel.push("send", { body: "a" }));
    void channel.leave();
    expect(await push).toBe("left");
    expect(await codeOf(channel.push("send", { body: "b" }))).toBe("left");
  });

  test("with disconnected when the socket disconnects, also where it waits to be sent", async () => {
    const { socket, channel } = await joined();
    const flying = codeOf(channel.push("send", { body: "a" }));
    socket.disconnect();
    expect(await flying).toBe("disconnected");
    const waiting = codeOf(channel.push("send", { body: "b" }));
    socket.connect();
    socket.disconnect();
    expect(await waiting).toBe("disconnected");
  });

  test("with aborted when its signal is, and before it is sent where that has happened", async () => {
    const { channel } = await joined();
    const control = new AbortController();
    const push = codeOf(channel.push("send", { body: "a" }, { signal: control.signal }));
    control.abort();
    expect(await push).toBe("aborted");
    expect(await codeOf(channel.push("send", { body: "b" }, { signal: control.signal }))).toBe("aborted");
    expect(sent("send")).toEqual([{ body: "a" }]);
  });

  test("and is never sent again", async () => {
    const { channel } = await joined();
    const push = codeOf(channel.push("send", { body: "a" }));
    await last().drop();
    await push;
    await settle(250);
    await last().open();
    await last().reply("phx_join", { recent: [] });
    await settle(60_000);
    expect(sent("send")).toEqual([]);
  });
});

test("a timeout may be endless", async () => {
  const { channel } = await joined();
  const push = channel.push("send", { body: "a" }, { timeout: Infinity });
  await settle(20_000);
  await last().reply("send", { id: "7" });
  expect(await push).toEqual({ id: "7" });
});

test("a push leaves nothing behind on its signal", async () => {
  const { channel } = await joined();
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, "addEventListener");
  const removed = vi.spyOn(signal, "removeEventListener");
  const push = channel.push("send", { body: "a" }, { signal });
  await last().reply("send", { id: "1" });
  await push;
  expect(removed.mock.calls).toEqual(added.mock.calls);
});

describe("a frame over the limit", () => {
  test("fails without being sent; one byte less is sent", async () => {
    const { channel } = await joined();
    const frame = JSON.stringify(["1", "9", "room:lobby", "send", { body: "" }]);
    const body = "é".repeat((65_536 - frame.length) / 2);
    const rest = "x".repeat(65_536 - frame.length - 2 * body.length);
    void channel.push("send", { body: body + rest });
    expect(sent("send")).toHaveLength(1);
    const tooLarge = await channel.tryPush("send", { body: body + rest + "x" });
    expect(tooLarge).toMatchObject({ ok: false, error: { code: "too_large" } });
    expect(sent("send")).toHaveLength(1);
  });

  test("fails also where it would wait, and for bytes", async () => {
    const { channel } = await joining();
    expect(await codeOf(channel.push("send", { body: "x".repeat(65_536) }))).toBe("too_large");
    expect(await codeOf(channel.push("upload", new Uint8Array(65_536)))).toBe("too_large");
  });
});

describe("bytes", () => {
  test("travel in binary frames both ways", async () => {
    const { channel } = await joined();
    const seen: Uint8Array[] = [];
    channel.on("chunk", (bytes) => seen.push(bytes));
    const push = channel.push("upload", new Uint8Array([1, 2, 3]));
    const expected = new Uint8Array([0, 1, 1, 10, 6, ...new TextEncoder().encode("12room:lobbyupload"), 1, 2, 3]);
    expect(last().sent.at(-1)).toEqual(expected);
    await last().message("1", "2", "room:lobby", "phx_reply", { status: "ok", response: {} });
    await push;
    await last().receive(new Uint8Array([2, 10, 5, ...new TextEncoder().encode("room:lobbychunk"), 4, 5]).buffer);
    expect(seen).toEqual([new Uint8Array([4, 5])]);
  });

  test("are refused where the channel has no binary events", async () => {
    const plain: ChannelDefinition<Contract> = { topic: "plain" };
    const channel = connect().channel(plain, { room_id: "" });
    void channel.join();
    await expect(channel.push("upload", new Uint8Array(1))).rejects.toThrow("takes no bytes");
  });
});
