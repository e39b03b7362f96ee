import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { freeze, joined, last, settle, thaw } from "./server.ts";

beforeEach(freeze);
afterEach(thaw);

const topic = "room:lobby";

function meta(ref: string, name: string = ref): object {
  return { phx_ref: ref, name };
}

async function state(payload: object): Promise<void> {
  await last().message(last().frame("phx_join")[0], null, topic, "presence_state", payload);
}

async function diff(joins: object, leaves: object = {}): Promise<void> {
  await last().message(null, null, topic, "presence_diff", { joins, leaves });
}

async function present() {
  const { channel } = await joined();
  const changes: unknown[] = [];
  channel.presence.onChange((list, change) => changes.push({ list, ...change }));
  return { channel, changes };
}

test("the state fills the list", async () => {
  const { channel, changes } = await present();
  expect(channel.presence.list()).toEqual([]);
  await state({ ada: { metas: [meta("1")] }, bob: { metas: [meta("2"), meta("3")] } });
  const list = [
    { key: "ada", metas: [meta("1")] },
    { key: "bob", metas: [meta("2"), meta("3")] },
  ];
  expect(channel.presence.list()).toEqual(list);
  expect(changes).toEqual([{ list, joins: list, leaves: [] }]);
});

test("a diff adds and removes metas, oldest first, and keys with them", async () => {
  const { channel, changes } = await present();
  await state({ ada: { metas: [meta("1")] }, bob: { metas: [meta("2")] } });
  await diff({ ada: { metas: [meta("3")] }, eve: { metas: [meta("4")] } }, { bob: { metas: [meta("2")] } });
  expect(channel.presence.list()).toEqual([
    { key: "ada", metas: [meta("1"), meta("3")] },
    { key: "eve", metas: [meta("4")] },
  ]);
  expect(changes[1]).toMatchObject({
    joins: [
      { key: "ada", metas: [meta("3")] },
      { key: "eve", metas: [meta("4")] },
    ],
    leaves: [{ key: "bob", metas: [meta("2")] }],
  });
});

test("an update replaces the meta", async () => {
  const { channel } = await present();
  await state({ ada: { metas: [meta("1", "old")] } });
  await diff({ ada: { metas: [meta("2", "new")] } }, { ada: { metas: [meta("1", "old")] } });
  expect(channel.presence.list()).toEqual([{ key: "ada", metas: [meta("2", "new")] }]);
});

test("leaves of whoever is not there, and joins of what is, change nothing", async () => {
  const { channel, changes } = await present();
  await state({ ada: { metas: [meta("1")] } });
  await diff({ ada: { metas: [meta("1")] } }, { bob: { metas: [meta("2")] } });
  expect(channel.presence.list()).toEqual([{ key: "ada", metas: [meta("1")] }]);
  expect(changes[1]).toMatchObject({ joins: [], leaves: [] });
});

test("diffs that come before the state wait for it", async () => {
  const { channel, changes } = await present();
  await diff({ bob: { metas: [meta("2")] } });
  await diff({}, { ada: { metas: [meta("1")] } });
  expect(channel.presence.list()).toEqual([]);
  await state({ ada: { metas: [meta("1")] } });
  expect(channel.presence.list()).toEqual([{ key: "bob", metas: [meta("2")] }]);
  expect(changes).toHaveLength(1);
});

test("through a rejoin the old list stays until the new state, which says who came and went", async () => {
  const { channel, changes } = await present();
  await state({ ada: { metas: [meta("1")] }, bob: { metas: [meta("2")] } });
  await last().drop();
  await settle(250);
  await last().open();
  await last().reply("phx_join", { recent: [] });
  await diff({ eve: { metas: [meta("5")] } });
  expect(channel.presence.list().map(({ key }) => key)).toEqual(["ada", "bob"]);
  await state({ ada: { metas: [meta("3")] }, bob: { metas: [meta("2")] } });
  expect(channel.presence.list()).toEqual([
    { key: "ada", metas: [meta("3")] },
    { key: "bob", metas: [meta("2")] },
    { key: "eve", metas: [meta("5")] },
  ]);
  expect(changes[1]).toMatchObject({
    joins: [
      { key: "ada", metas: [meta("3")] },
      { key: "eve", metas: [meta("5")] },
    ],
    leaves: [{ key: "ada", metas: [meta("1")] }],
  });
});

test("diffs that waited for the state of an earlier join are forgotten", async () => {
  const { channel } = await present();
  await diff({ ghost: { metas: [meta("1")] } });
  await last().drop();
  await settle(250);
  await last().open();
  await last().reply("phx_join", { recent: [] });
  await state({ ada: { metas: [meta("2")] } });
  expect(channel.presence.list().map(({ key }) => key)).toEqual(["ada"]);
});

test("any text is a key", async () => {
  const { channel } = await present();
  await last().receive(
    `["1",null,"${topic}","presence_state",{"__proto__":{"metas":[{"phx_ref":"1"}]},"constructor":{"metas":[{"phx_ref":"2"}]}}]`,
  );
  await last().receive(`[null,null,"${topic}","presence_diff",{"joins":{"__proto__":{"metas":[{"phx_ref":"3"}]}},"leaves":{}}]`);
  expect(channel.presence.list()).toEqual([
    { key: "__proto__", metas: [{ phx_ref: "1" }, { phx_ref: "3" }] },
    { key: "constructor", metas: [{ phx_ref: "2" }] },
  ]);
  expect(({} as { metas?: unknown }).metas).toBeUndefined();
});

test("onChange ends with its unsubscribe", async () => {
  const { channel } = await joined();
  const seen = vi.fn();
  const stop = channel.presence.onChange(seen);
  await state({});
  stop();
  await diff({ ada: { metas: [meta("1")] } });
  expect(seen).toHaveBeenCalledTimes(1);
});

test("presence is not the application's event", async () => {
  const { channel } = await joined();
  const seen = vi.fn();
  Reflect.apply(channel.on, channel, ["presence_state", seen]);
  await state({});
  expect(seen).not.toHaveBeenCalled();
});

test("a payload of another shape changes nothing, not even in part", async () => {
  vi.stubGlobal("reportError", vi.fn());
  const { channel, changes } = await present();
  await state({ ada: { metas: [meta("1")] } });
  const before = channel.presence.list();
  await diff({ eve: { metas: [meta("2")] }, bob: { metas: null } });
  expect(channel.presence.list()).toEqual(before);
  expect(changes).toHaveLength(1);
});

test("a channel that only counts says how many, also to who listens", async () => {
  const { channel } = await joined();
  const seen: number[] = [];
  channel.presence.onChange(() => seen.push(channel.presence.count));
  expect(channel.presence.count).toBe(0);
  await last().message(null, null, topic, "chgen_presence_count", { count: 3 });
  expect(channel.presence.count).toBe(3);
  await last().drop();
  expect(channel.presence.count).toBe(3);
  await settle(250);
  await last().open();
  await last().reply("phx_join", { recent: [] });
  await last().message(null, null, topic, "chgen_presence_count", { count: 2 });
  expect(seen).toEqual([3, 2]);
});

test("a channel with a list counts it", async () => {
  const { channel } = await present();
  await state({ ada: { metas: [meta("1")] }, bob: { metas: [meta("2"), meta("3")] } });
  expect(channel.presence.count).toBe(2);
});
