import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { codeOf, connect, freeze, joined, last, room, settle, thaw } from "./server.ts";

beforeEach(freeze);
afterEach(thaw);

const created = (body: string): Promise<void> => last().message(null, null, "room:lobby", "created", { body });

describe("once", () => {
  test("resolves with the next event, and listens no more", async () => {
    const { channel } = await joined();
    const next = channel.once("created");
    await created("a");
    await created("b");
    expect(await next).toEqual({ body: "a" });
  });

  test("waits for a join", async () => {
    const { channel } = await joined();
    await last().drop();
    const next = channel.once("created");
    await settle(250);
    await last().open();
    await last().reply("phx_join", { recent: [] });
    await created("a");
    expect(await next).toEqual({ body: "a" });
  });

  test("fails when the channel is left, closed or refused, after its timeout and by its signal", async () => {
    const { channel } = await joined();
    const control = new AbortController();
    const late = codeOf(channel.once("created", { timeout: 1_000 }));
    const aborted = codeOf(channel.once("created", { signal: control.signal }));
    const left = codeOf(channel.once("created"));
    await settle(1_000);
    expect(await late).toBe("timeout");
    control.abort();
    expect(await aborted).toBe("aborted");
    expect(await codeOf(channel.once("created", { signal: control.signal }))).toBe("aborted");
    void channel.leave();
    expect(await left).toBe("left");
    await last().reply("phx_leave");
    void channel.tryJoin();
    const refused = codeOf(channel.once("created"));
    await settle();
    await last().refuse("phx_join", "not_a_member");
    expect(await refused).toBe("not_a_member");
  });
});

describe("events", () => {
  test("come one by one, in order, whether they are waited for or wait, until the channel is left", async () => {
    const { channel } = await joined();
    const seen: string[] = [];
    const events = channel.events("created");
    await created("a");
    await created("b");
    const reading = (async () => {
      for await (const { body } of events) seen.push(body);
    })();
    await settle();
    await created("c");
    expect(seen).toEqual(["a", "b", "c"]);
    void channel.leave();
    await reading;
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("that wait when the channel is left come no more", async () => {
    const { channel } = await joined();
    const events = channel.events("created");
    await created("a");
    void channel.leave();
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("go on through a rejoin", async () => {
    const { channel } = await joined();
    const events = channel.events("created");
    await last().drop();
    await settle(250);
    await last().open();
    await last().reply("phx_join", { recent: [] });
    await created("a");
    expect(await events.next()).toEqual({ done: false, value: { body: "a" } });
  });

  test("throw what closes the channel, once", async () => {
    const { channel } = await joined();
    const events = channel.events("created");
    const next = codeOf(events.next());
    await last().message("1", "1", "room:lobby", "phx_close", {});
    expect(await next).toBe("disconnected");
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("that are not taken in time fail the iteration, and none is skipped", async () => {
    const { channel } = await joined();
    const events = channel.events("created", { buffer: 2 });
    for (const body of ["a", "b"]) await created(body);
    expect(await events.next()).toEqual({ done: false, value: { body: "a" } });
    for (const body of ["c", "d"]) await created(body);
    void channel.leave(); // which is no reason to keep quiet about it
    expect(await codeOf(events.next())).toBe("too_slow");
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("end with the loop, also for others that wait", async () => {
    const { channel } = await joined();
    const events = channel.events("created");
    await created("a");
    for await (const _ of events) break;
    await created("b");
    expect(await events.next()).toEqual({ done: true, value: undefined });
    const other = channel.events("created");
    const waiting = [other.next(), other.next()];
    await other.return?.();
    expect(await Promise.all(waiting)).toEqual([{ done: true, value: undefined }, { done: true, value: undefined }]);
  });

  test("end with their signal", async () => {
    const { channel } = await joined();
    const control = new AbortController();
    const next = codeOf(channel.events("created", { signal: control.signal }).next());
    control.abort();
    expect(await next).toBe("aborted");
  });

  test("of a channel that is not joined yet wait for it", async () => {
    const channel = connect().channel(room, { room_id: "lobby" });
    const events = channel.events("created");
    void channel.join();
    await settle();
    await last().open();
    await last().reply("phx_join", { recent: [] });
    await created("a");
    expect(await events.next()).toEqual({ done: false, value: { body: "a" } });
  });
});
