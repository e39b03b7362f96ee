import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeSocket } from "../src/fake.ts";
import { $binary } from "../src/binary.ts";
import type { $Empty, ChannelDefinition } from "../src/types.ts";
import { codeOf, room, thaw } from "./server.ts";

// Nothing of a fake socket may need the network or the time of the world.
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  for (const name of ["fetch", "WebSocket"]) vi.stubGlobal(name, () => expect.unreachable());
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  thaw();
});

function fakeRoom() {
  const fake = fakeSocket(room, {
    join: ({ since }, { topic, refuse }) => (since === "never" ? refuse({ code: "not_a_member" }) : { recent: [topic] }),
    pushes: {
      send: ({ body }, { refuse }) => (body === "" ? refuse({ code: "slow_down", retry_after_ms: 5 }) : { id: body }),
      typing: () => new Promise<$Empty>(() => {}),
      upload: () => ({}),
    },
  });
  return { fake, lobby: fake.socket.channel(room, { room_id: "lobby" }) };
}

test("joins, pushes and events go as the handlers say", async () => {
  const { fake, lobby } = fakeRoom();
  expect(await lobby.join()).toEqual({ recent: ["room:lobby"] });
  expect(await lobby.push("send", { body: "a" })).toEqual({ id: "a" });
  const seen: unknown[] = [];
  lobby.on("created", (payload) => seen.push(payload));
  fake.emit("created", { body: "b" });
  expect(seen).toEqual([{ body: "b" }]);
  expect([fake.socket.state, fake.topics()]).toEqual(["open", ["room:lobby"]]);
  await lobby.leave();
  expect(fake.topics()).toEqual([]);
  fake.emit("created", { body: "c" });
  expect(seen).toHaveLength(1);
  expect(await lobby.join()).toEqual({ recent: ["room:lobby"] });
});

test("refusals are errors with their fields", async () => {
  const { fake, lobby } = fakeRoom();
  const never = fake.socket.channel(room, { room_id: "x" }, { since: "never" });
  expect(await codeOf(never.join())).toBe("not_a_member");
  await lobby.join();
  expect(await lobby.tryPush("send", { body: "" })).toMatchObject({ ok: false, error: { code: "slow_down", retry_after_ms: 5 } });
});

test("what has no handler, throws, or is of no channel is answered as by a server", async () => {
  const reported = vi.fn();
  vi.stubGlobal("reportError", reported);
  const fake = fakeSocket(room, { join: () => ({ recent: [] }), pushes: { upload: () => { throw new Error("mistake"); } } });
  const lobby = fake.socket.channel(room, { room_id: "lobby" });
  await lobby.join();
  expect(await codeOf(lobby.push("send", { body: "a" }))).toBe("unknown_event");
  expect(await codeOf(lobby.push("upload", new Uint8Array(1)))).toBe("internal");
  expect(reported).toHaveBeenCalledWith(new Error("mistake"));
  const other: typeof room = { topic: "other:{room_id}" };
  expect(await codeOf(fake.socket.channel(other, { room_id: "x" }).join())).toBe("unmatched topic");
});

test("bytes go both ways", async () => {
  interface Bytes {
    topic: { path: string };
    join: { payload: object; reply: object; error: never };
    history: false;
    pushes: { echo: { payload: Uint8Array; reply: Uint8Array; error: never } };
    events: { chunk: Uint8Array };
  }
  const files: ChannelDefinition<Bytes> = { topic: "files:{path*}", binary: $binary };
  const fake = fakeSocket(files, { join: () => ({}), pushes: { echo: (bytes) => bytes.toReversed() } });
  const channel = fake.socket.channel(files, { path: "a:b" });
  await channel.join();
  expect(await channel.push("echo", new Uint8Array([1, 2]))).toEqual(new Uint8Array([2, 1]));
  const chunk = channel.once("chunk");
  fake.emit("chunk", new Uint8Array([3]));
  expect(await chunk).toEqual(new Uint8Array([3]));
});

test("a dropped connection fails what is under way, and comes back when it is let", async () => {
  const { fake, lobby } = fakeRoom();
  const rejoins: boolean[] = [];
  await lobby.join({ onRejoin: ({ recovered }) => rejoins.push(recovered) });
  const push = codeOf(lobby.push("typing"));
  fake.drop();
  expect(await push).toBe("disconnected");
  await fake.advance(60_000);
  expect([fake.socket.state, lobby.state]).toEqual(["reconnecting", "errored"]);
  await fake.restore();
  expect([fake.socket.state, lobby.state, rejoins]).toEqual(["open", "joined", [false]]);
  fake.drop();
  await fake.restore({ recovered: true });
  expect(rejoins).toEqual([false, true]);
});

test("time passes only when it is told to", async () => {
  const { fake, lobby } = fakeRoom();
  await lobby.join();
  const push = codeOf(lobby.push("typing", {}, { timeout: 1_000 }));
  const settled = vi.fn();
  void push.then(settled);
  await fake.advance(999);
  expect(settled).not.toHaveBeenCalled();
  await fake.advance(1);
  expect(await push).toBe("timeout");
  await fake.advance(3_600_000);
  expect(fake.socket.state).toBe("open");
});

test("a refused socket stays so until it is let and connects", async () => {
  const { fake, lobby } = fakeRoom();
  await lobby.join();
  fake.refuse("banned");
  expect([fake.socket.state, fake.socket.reason]).toEqual(["refused", "banned"]);
  fake.socket.connect();
  await fake.advance(0);
  expect(fake.socket.state).toBe("refused");
  await fake.restore();
  fake.socket.connect();
  await fake.advance(0);
  expect([fake.socket.state, lobby.state]).toEqual(["open", "joined"]);
});

test("a crash is rejoined after a pause, a close is not", async () => {
  const { fake, lobby } = fakeRoom();
  const other = fake.socket.channel(room, { room_id: "other" });
  await Promise.all([lobby.join(), other.join()]);
  fake.crash({ room_id: "lobby" });
  expect([lobby.state, other.state]).toEqual(["errored", "joined"]);
  await fake.advance(250);
  expect(lobby.state).toBe("joined");
  fake.close();
  expect([lobby.state, other.state]).toEqual(["closed", "closed"]);
});

test("presence is what it is told", async () => {
  const { fake, lobby } = fakeRoom();
  await lobby.join();
  const changes: unknown[] = [];
  lobby.presence.onChange((list, { joins, leaves }) => changes.push([list, joins, leaves].map((all) => all.map(({ key }) => key))));
  fake.presence({ ada: [{ name: "ada" }] });
  fake.presence({ ada: [{ name: "ada" }], bob: [{ name: "bob" }] });
  fake.presence({ bob: [{ name: "bob" }] });
  expect(changes).toEqual([
    [["ada"], ["ada"], []],
    [["ada", "bob"], ["bob"], []],
    [["bob"], [], ["ada"]],
  ]);
});

test("renewed params are taken", async () => {
  const { fake, lobby } = fakeRoom();
  await lobby.join();
  await fake.socket.renew();
});
