import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { storeOf } from "../src/store.ts";
import { connect, freeze, joined, last, room, settle, thaw } from "./server.ts";

beforeEach(freeze);
afterEach(thaw);

test("a socket's store has its state, at once and after every change", async () => {
  const socket = connect();
  const { get, subscribe } = storeOf(socket);
  const seen: string[] = [];
  const stop = subscribe((state) => seen.push(state));
  socket.connect();
  await settle();
  await last().open();
  expect(get()).toBe("open");
  stop();
  socket.disconnect();
  expect(seen).toEqual(["closed", "connecting", "open"]);
  expect(get()).toBe("closed");
});

test("a channel's store has its state", async () => {
  const { channel } = await joined();
  const seen: string[] = [];
  storeOf(channel).subscribe((state) => seen.push(state));
  await last().drop();
  expect(seen).toEqual(["joined", "errored"]);
});

test("a presence's store has the list, which is the same until it changes", async () => {
  const { channel } = await joined();
  const { get, subscribe } = storeOf(channel.presence);
  const seen = vi.fn();
  subscribe(seen);
  const empty = get();
  expect(get()).toBe(empty);
  await last().message("1", null, "room:lobby", "presence_state", { ada: { metas: [{ phx_ref: "1" }] } });
  const list = get();
  expect(get()).toBe(list);
  expect(list).not.toBe(empty);
  expect(seen.mock.calls).toEqual([[empty], [list]]);
  await last().drop();
  expect(get()).toBe(list);
});

test("what mounts, unmounts and mounts again in one go is joined once", async () => {
  const { socket } = await joined();
  const channel = socket.channel(room, { room_id: "other" });
  const first = channel.tryJoin();
  void channel.leave();
  const second = channel.tryJoin();
  await settle();
  await last().reply("phx_join", { recent: ["b"] });
  expect(await first).toMatchObject({ ok: false, error: { code: "left" } });
  expect(await second).toEqual({ ok: true, reply: { recent: ["b"] } });
  const onTopic = last().frames().filter(([, , topic]) => topic === "room:other");
  expect(onTopic.filter(([, , , event]) => event === "phx_join")).toHaveLength(1);
  expect(onTopic.at(-1)?.[3]).toBe("phx_join");
});
