import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChannelError } from "../src/errors.ts";
import type { ChannelDefinition } from "../src/types.ts";
import { codeOf, connect, freeze, joined, last, room, settle, sockets, thaw, type Contract } from "./server.ts";

beforeEach(freeze);
afterEach(thaw);

/** A channel whose join is on its way. */
async function joining(options: object = {}) {
  const socket = connect();
  const channel = socket.channel(room, { room_id: "lobby" }, { since: "now" });
  const rejoins: { recovered: boolean }[] = [];
  const promise = channel.join({ onRejoin: (rejoined) => rejoins.push(rejoined), ...options });
  const outcome = promise.then(
    (reply) => ({ reply }),
    (error: unknown) => ({ error }),
  );
  await settle();
  await last().open();
  return { socket, channel, promise, outcome, rejoins };
}

describe("join", () => {
  test("connects, sends its params, and resolves with the reply", async () => {
    const { channel, promise } = await joining();
    expect(last().frames()).toEqual([["1", "1", "room:lobby", "phx_join", { since: "now" }]]);
    expect(channel.state).toBe("joining");
    await last().reply("phx_join", { recent: ["a"] });
    expect(await promise).toEqual({ recent: ["a"] });
    expect(channel.state).toBe("joined");
  });

  test("uses the connection that is there", async () => {
    const { socket } = await joined();
    void socket.channel(room, { room_id: "other" }).join();
    await settle();
    expect(sockets).toHaveLength(1);
    expect(last().frame("phx_join")[2]).toBe("room:other");
  });

  test("waits connection trouble out", async () => {
    const { channel, promise } = await joining();
    await last().drop();
    expect(channel.state).toBe("errored");
    await settle(250);
    await last().drop();
    await settle(500);
    await last().open();
    await last().reply("phx_join", { recent: [] });
    expect(await promise).toEqual({ recent: [] });
  });

  test("that is refused is final, and its error has the declared fields", async () => {
    const { channel, outcome } = await joining();
    await last().refuse("phx_join", "not_a_member", { message: "You are no member.", since: 3 });
    const { error } = (await outcome) as { error: ChannelError };
    expect(error).toBeInstanceOf(ChannelError);
    expect(error).toMatchObject({ name: "ChannelError", code: "not_a_member", message: "You are no member.", since: 3 });
    expect(channel.state).toBe("closed");
    await settle(20_000);
    expect(last().frames().filter(([, , , event]) => event === "phx_join")).toHaveLength(1);
  });

  test("that is refused with what may pass is final too: nothing has been joined that could be kept", async () => {
    const { channel, outcome } = await joining();
    await last().refuse("phx_join", "internal");
    expect(await outcome).toMatchObject({ error: { code: "internal" } });
    expect(channel.state).toBe("closed");
  });

  test("that is refused with an error to retry is tried again, later each time", async () => {
    const { channel, promise } = await joining();
    await last().refuse("phx_join", "room_is_busy");
    expect(channel.state).toBe("errored");
    await settle(249);
    expect(last().sent).toHaveLength(1);
    await settle(1);
    expect(last().sent).toHaveLength(2);
    await last().refuse("phx_join", "room_is_busy");
    await settle(499);
    expect(last().sent).toHaveLength(2);
    await settle(1);
    await last().reply("phx_join", { recent: [] });
    await promise;
    expect(channel.state).toBe("joined");
  });

  test("that nobody answers is left and tried again", async () => {
    const { channel, promise } = await joining();
    await settle(10_000);
    expect(last().frames()[1]).toEqual(["1", "2", "room:lobby", "phx_leave", {}]);
    await settle(250);
    expect(last().frames()[2]).toEqual(["3", "3", "room:lobby", "phx_join", { since: "now" }]);
    await last().message("1", "1", "room:lobby", "phx_reply", { status: "ok", response: { recent: ["too late"] } });
    expect(channel.state).toBe("joining");
    await last().reply("phx_join", { recent: [] });
    expect(await promise).toEqual({ recent: [] });
  });

  test("reads its params again before every attempt", async () => {
    let count = 0;
    const socket = connect();
    const channel = socket.channel(room, { room_id: "lobby" }, () => Promise.resolve({ since: `${++count}` }));
    void channel.join();
    await settle();
    await last().open();
    await last().reply("phx_join", { recent: [] });
    await last().drop();
    await settle(250);
    await last().open();
    expect(sockets.map((each) => each.frame("phx_join")[4])).toEqual([{ since: "1" }, { since: "2" }]);
  });

  test("whose params come after the connection has gone is not sent", async () => {
    const resolve: ((params: object) => void)[] = [];
    const socket = connect();
    const channel = socket.channel(room, { room_id: "lobby" }, () => new Promise<object>((done) => resolve.push(done)));
    void channel.join();
    await settle();
    await last().open();
    await last().drop();
    await settle(250);
    await last().open();
    resolve[0]?.({ since: "early" });
    await settle();
    expect(sockets.flatMap((each) => each.sent)).toEqual([]);
    resolve[1]?.({ since: "late" });
    await settle();
    expect(last().frame("phx_join")[4]).toEqual({ since: "late" });
    expect(channel.state).toBe("joining");
  });

  test("whose params never come is tried again", async () => {
    const params = vi.fn().mockReturnValueOnce(new Promise(() => {})).mockResolvedValue({ since: "now" });
    const socket = connect();
    const channel = socket.channel(room, { room_id: "lobby" }, params);
    const errors = vi.fn();
    channel.onState((state, error) => state === "errored" && errors(error?.code));
    void channel.join();
    await settle();
    await last().open();
    await settle(9_999);
    expect(channel.state).toBe("joining");
    await settle(1);
    expect(channel.state).toBe("errored");
    expect(errors).toHaveBeenCalledExactlyOnceWith("timeout");
    await settle(250);
    expect(last().frames().filter(([, , , event]) => event !== "heartbeat")).toEqual([
      ["2", "2", "room:lobby", "phx_join", { since: "now" }],
    ]);
    await last().reply("phx_join", { recent: [] });
    await settle(20_000);
    expect(channel.state).toBe("joined");
  });

  test("that is left while its params are due stays left", async () => {
    const { socket } = await joined();
    const channel = socket.channel(room, { room_id: "other" }, () => new Promise<object>(() => {}));
    channel.onState((state) => state === "joining" && void channel.leave());
    expect(await codeOf(channel.join())).toBe("left");
    await last().reply("phx_leave");
    await settle(20_000);
    expect(channel.state).toBe("closed");
  });

  test("whose params cannot be read once it is left stays left", async () => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    let reject = (_: Error): void => {};
    const { socket } = await joined();
    const channel = socket.channel(room, { room_id: "other" }, () => new Promise<object>((_, fail) => (reject = fail)));
    const outcome = codeOf(channel.join());
    await settle();
    void channel.leave();
    reject(new Error("offline"));
    await settle(20_000);
    expect([await outcome, channel.state]).toEqual(["left", "closed"]);
    expect(reported).not.toHaveBeenCalled();
  });

  test("whose params are due when the connection goes has one deadline, that of the next", async () => {
    let resolve = (_: object): void => {};
    const socket = connect();
    const channel = socket.channel(room, { room_id: "lobby" }, () => new Promise<object>((done) => (resolve = done)));
    void channel.join();
    await settle();
    await last().open();
    await last().drop();
    await settle(250);
    await last().open();
    resolve({});
    await settle();
    await last().reply("phx_join", { recent: [] });
    await settle(20_000);
    expect(channel.state).toBe("joined");
  });

  test("that crashes before its answer is sent once more, and not left", async () => {
    const { channel, outcome } = await joining();
    const [joinRef] = last().frame("phx_join");
    await last().message(joinRef, joinRef, "room:lobby", "phx_error", {});
    expect(channel.state).toBe("errored");
    await settle(5_000);
    expect(last().frames().map(([, , , event]) => event)).toEqual(["phx_join", "phx_join"]);
    await last().reply("phx_join", { recent: [] });
    expect(await outcome).toEqual({ reply: { recent: [] } });
  });

  test("whose params cannot be read is tried again", async () => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    const params = vi.fn().mockRejectedValueOnce(new Error("offline")).mockResolvedValue({});
    const socket = connect();
    const channel = socket.channel(room, { room_id: "lobby" }, params);
    void channel.join();
    await settle();
    await last().open();
    expect(reported).toHaveBeenCalledWith(new Error("offline"));
    expect(channel.state).toBe("errored");
    await settle(250);
    await last().reply("phx_join", { recent: [] });
    expect(channel.state).toBe("joined");
  });

  test("gives up after its timeout", async () => {
    const { channel, outcome } = await joining({ timeout: 3_000 });
    await settle(3_000);
    expect(await outcome).toMatchObject({ error: { code: "timeout" } });
    await last().reply("phx_leave");
    expect(channel.state).toBe("closed");
  });

  test("gives up when its signal is aborted, before and while it waits", async () => {
    const control = new AbortController();
    const { channel, outcome } = await joining({ signal: control.signal });
    control.abort();
    expect(await outcome).toMatchObject({ error: { code: "aborted" } });
    await last().reply("phx_leave");
    expect(channel.state).toBe("closed");
    expect(await codeOf(channel.join({ signal: control.signal }))).toBe("aborted");
  });

  test("a signal that is aborted after the join changes nothing", async () => {
    const control = new AbortController();
    const { channel, promise } = await joining({ signal: control.signal, timeout: 5_000 });
    await last().reply("phx_join", { recent: [] });
    await promise;
    control.abort();
    await settle(20_000);
    expect(channel.state).toBe("joined");
  });

  test("a second one without a leave is a mistake", async () => {
    const { channel } = await joined();
    await expect(channel.join()).rejects.toThrow("leave() first");
    await expect(channel.tryJoin()).rejects.toThrow("leave() first");
    expect(channel.state).toBe("joined");
  });

  test("fails when the socket is disconnected or refused", async () => {
    const first = await joining();
    first.socket.disconnect();
    expect(await first.outcome).toMatchObject({ error: { code: "disconnected" } });
    expect(first.channel.state).toBe("closed");

    const second = await joining();
    await last().drop(4403, "no");
    expect(await second.outcome).toMatchObject({ error: { code: "disconnected", message: "no" } });
    expect(await codeOf(second.channel.join())).toBe("disconnected");
    expect(second.socket.state).toBe("refused");
  });

  test("that is too large fails without being sent", async () => {
    const socket = connect({ maxFrame: 100 });
    const outcome = codeOf(socket.channel(room, { room_id: "lobby" }, { since: "x".repeat(100) }).join());
    await settle();
    await last().open();
    expect(await outcome).toBe("too_large");
    expect(last().sent).toEqual([]);
  });

  test("tryJoin has the error as a result", async () => {
    const channel = connect().channel(room, { room_id: "lobby" });
    const first = channel.tryJoin();
    await settle();
    await last().open();
    await last().refuse("phx_join", "not_a_member");
    expect(await first).toMatchObject({ ok: false, error: { code: "not_a_member" } });
    const second = channel.tryJoin();
    await settle();
    await last().reply("phx_join", { recent: [] });
    expect(await second).toEqual({ ok: true, reply: { recent: [] } });
  });
});

describe("rejoin", () => {
  test("follows a lost connection at once, with a new ref", async () => {
    const { channel, rejoins } = await joined();
    const states: string[] = [];
    channel.onState((state) => states.push(state));
    await last().drop();
    await settle(250);
    await last().open();
    expect(last().frame("phx_join").slice(0, 2)).toEqual(["2", "2"]);
    await last().reply("phx_join", { recent: ["a"] });
    expect(rejoins).toEqual([{ reply: { recent: ["a"] }, recovered: false }]);
    expect(states).toEqual(["errored", "joining", "joined"]);
  });

  test("follows a crash, later each time, and anew once a membership has lasted", async () => {
    const { channel } = await joined();
    const crash = async (): Promise<void> => {
      const [joinRef] = last().frame("phx_join");
      await last().message(joinRef, joinRef, "room:lobby", "phx_error", { reason: "channel_crash" });
    };
    const rejoined = async (delay: number): Promise<void> => {
      const before = last().sent.length;
      await settle(delay - 1);
      expect(last().sent).toHaveLength(before);
      await settle(1);
      await last().reply("phx_join", { recent: [] });
      expect(channel.state).toBe("joined");
    };
    await crash();
    expect(channel.state).toBe("errored");
    await rejoined(250);
    await crash();
    await rejoined(500);
    await settle(5_000);
    await crash();
    await rejoined(250);
  });

  test("that fails with what may pass is tried again", async () => {
    const { channel } = await joined();
    await last().drop();
    await settle(250);
    await last().open();
    for (const [code, delay] of [["internal", 250], ["join crashed", 500], ["rate_limited", 1_000]] as const) {
      await last().refuse("phx_join", code);
      expect(channel.state).toBe("errored");
      await settle(delay);
    }
    await last().reply("phx_join", { recent: [] });
    expect(channel.state).toBe("joined");
  });

  test("that is refused is final, and the state says why", async () => {
    const { channel } = await joined();
    const seen = vi.fn();
    channel.onState(seen);
    await last().drop();
    await settle(250);
    await last().open();
    await last().refuse("phx_join", "not_a_member");
    expect(channel.state).toBe("closed");
    expect(seen).toHaveBeenLastCalledWith("closed", expect.objectContaining({ code: "not_a_member" }));
    await settle(20_000);
    expect(sockets).toHaveLength(2);
  });

  test("whatever onRejoin throws is reported", async () => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    const mistake = (): void => {
      throw new Error("mistake");
    };
    const { channel } = await joining({ onRejoin: mistake });
    await last().reply("phx_join", { recent: [] });
    await last().drop();
    await settle(250);
    await last().open();
    await last().reply("phx_join", { recent: [] });
    expect(reported).toHaveBeenCalledWith(new Error("mistake"));
    expect(channel.state).toBe("joined");
  });
});

describe("recovery", () => {
  async function rejoin(): Promise<unknown> {
    await last().drop();
    await settle(10_000);
    await last().open();
    return last().frame("phx_join")[4];
  }

  async function withHistory() {
    const { channel, rejoins, promise } = await joining();
    await last().reply("phx_join", { recent: [] }, "ok", { recovery: { position: "e:1:mac", recovered: false } });
    await promise;
    return { channel, rejoins };
  }

  test("a first join asks for none, a rejoin for what came after its position", async () => {
    const { rejoins } = await withHistory();
    expect(last().frame("phx_join")[4]).toEqual({ since: "now" });
    expect(await rejoin()).toEqual({ since: "now", _recover: "e:1:mac" });
    await last().reply("phx_join", { recent: [] }, "ok", { recovery: { position: "e:5:mac", recovered: true } });
    expect(rejoins).toEqual([{ reply: { recent: [] }, recovered: true }]);
  });

  test("the position moves with the broadcasts that have one", async () => {
    await withHistory();
    await last().message(null, "e:2:mac", "room:lobby", "created", { body: "a" });
    await last().message(null, null, "room:lobby", "created", { body: "volatile" });
    expect(await rejoin()).toEqual({ since: "now", _recover: "e:2:mac" });
  });

  test("a replay that breaks off is asked for again from where it was", async () => {
    await withHistory();
    await rejoin();
    await last().reply("phx_join", { recent: [] }, "ok", { recovery: { position: "e:9:mac", recovered: true } });
    expect(await rejoin()).toEqual({ since: "now", _recover: "e:1:mac" });
    await last().reply("phx_join", { recent: [] }, "ok", { recovery: { position: "e:9:mac", recovered: true } });
    await last().message(null, "e:2:mac", "room:lobby", "created", { body: "a" });
    expect(await rejoin()).toEqual({ since: "now", _recover: "e:2:mac" });
  });

  test("what comes before the reply to a rejoin is in the replay, and moves nothing", async () => {
    await withHistory();
    await rejoin();
    await last().message(null, "e:7:mac", "room:lobby", "created", { body: "early" });
    expect(await rejoin()).toEqual({ since: "now", _recover: "e:1:mac" });
  });

  test("what could not be recovered begins at the server's new position", async () => {
    const { rejoins } = await withHistory();
    await rejoin();
    await last().reply("phx_join", { recent: [] }, "ok", { recovery: { position: "f:1:mac", recovered: false } });
    expect(rejoins).toEqual([{ reply: { recent: [] }, recovered: false }]);
    expect(await rejoin()).toEqual({ since: "now", _recover: "f:1:mac" });
  });

  test("onRejoin comes before the events that were missed", async () => {
    const { channel, rejoins } = await withHistory();
    const seen: unknown[] = [];
    channel.on("created", ({ body }) => seen.push([body, rejoins.length]));
    await rejoin();
    await last().reply("phx_join", { recent: [] }, "ok", { recovery: { position: "e:9:mac", recovered: true } });
    await last().message(null, "e:2:mac", "room:lobby", "created", { body: "missed" });
    expect(seen).toEqual([["missed", 1]]);
  });

  test("a server without it is never believed to have it", async () => {
    const { rejoins } = await joined();
    expect(await rejoin()).toEqual({});
    await last().reply("phx_join", { recent: [] });
    expect(rejoins).toEqual([{ reply: { recent: [] }, recovered: false }]);
  });

  test("a join after a leave starts over", async () => {
    const { channel } = await withHistory();
    const left = channel.leave();
    await last().reply("phx_leave");
    await left;
    void channel.join();
    await settle();
    expect(last().frame("phx_join")[4]).toEqual({ since: "now" });
  });
});

describe("events", () => {
  test("reach every callback until its unsubscribe", async () => {
    const { channel } = await joined();
    const seen: string[] = [];
    const stop = channel.on("created", ({ body }) => seen.push(`1:${body}`));
    channel.on("created", ({ body }) => seen.push(`2:${body}`));
    channel.on("deleted", () => seen.push("deleted"));
    await last().message(null, null, "room:lobby", "created", { body: "a" });
    stop();
    await last().message("1", null, "room:lobby", "created", { body: "b" });
    expect(seen).toEqual(["1:a", "2:a", "2:b"]);
  });

  test("do not reach a callback that another has just removed", async () => {
    const { channel } = await joined();
    const seen = vi.fn();
    channel.on("created", () => stop());
    const stop = channel.on("created", seen);
    await last().message(null, null, "room:lobby", "created", { body: "a" });
    expect(seen).not.toHaveBeenCalled();
  });

  test("survive a callback that throws", async () => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    const { channel } = await joined();
    const second = vi.fn();
    channel.on("created", () => {
      throw new Error("mistake");
    });
    channel.on("created", second);
    await last().message(null, null, "room:lobby", "created", { body: "a" });
    expect(second).toHaveBeenCalledWith({ body: "a" });
    expect(reported).toHaveBeenCalledWith(new Error("mistake"));
  });

  test("are reported to the console where there is nothing better", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const { channel } = await joined();
    channel.on("created", () => {
      throw new Error("mistake");
    });
    await last().message(null, null, "room:lobby", "created", { body: "a" });
    expect(logged).toHaveBeenCalledWith(new Error("mistake"));
  });

  test("of an earlier join, of another topic, or unknown go nowhere", async () => {
    const { channel } = await joined();
    const seen = vi.fn();
    channel.on("created", seen);
    await last().message("0", null, "room:lobby", "created", { body: "stale" });
    await last().message(null, null, "room:other", "created", { body: "elsewhere" });
    await last().message(null, null, "room:lobby", "unheard", {});
    await last().message("0", "0", "room:lobby", "phx_error", {});
    await last().message("0", "0", "room:lobby", "phx_close", {});
    expect(seen).not.toHaveBeenCalled();
    expect(channel.state).toBe("joined");
  });

  test("none come before the reply to the join", async () => {
    const { channel } = await joining();
    const seen = vi.fn();
    channel.on("created", seen);
    await last().message(null, null, "room:lobby", "created", { body: "a" });
    expect(seen).not.toHaveBeenCalled();
  });

  test("none come after a leave, not even the rest of one", async () => {
    const { channel } = await joined();
    const seen = vi.fn();
    channel.on("created", () => void channel.leave());
    channel.on("created", seen);
    await last().message(null, null, "room:lobby", "created", { body: "a" });
    await last().message(null, null, "room:lobby", "created", { body: "b" });
    expect(seen).not.toHaveBeenCalled();
  });
});

describe("leave", () => {
  async function crashAndClose(): Promise<void> {
    await last().message("1", "1", "room:lobby", "phx_error", {});
    await last().message("1", "1", "room:lobby", "phx_close", {});
  }

  test("resolves when the server has answered", async () => {
    const { channel } = await joined();
    const left = channel.leave();
    expect(channel.state).toBe("leaving");
    expect(last().frame("phx_leave")).toEqual(["1", "2", "room:lobby", "phx_leave", {}]);
    await last().reply("phx_leave");
    await left;
    expect(channel.state).toBe("closed");
    await last().message("1", "1", "room:lobby", "phx_close", {});
    await last().drop();
    await settle(250);
    await last().open();
    expect(last().sent).toEqual([]);
  });

  test.each([
    ["crashes and closes", () => crashAndClose()],
    ["closes", () => last().message("1", "1", "room:lobby", "phx_close", {})],
    ["loses the connection", () => last().drop()],
    ["is silent", () => settle(10_000)],
  ])("resolves also when the server %s", async (_, happen) => {
    const { channel } = await joined();
    const seen = vi.fn();
    const left = Promise.all([channel.leave(), channel.leave()]);
    channel.onState(seen);
    await happen();
    await left;
    expect(seen.mock.calls).toEqual([["closed", undefined]]);
    expect(sockets[0]?.frames().filter(([, , , event]) => event === "phx_leave")).toHaveLength(1);
    await settle(20_000);
    expect(channel.state).toBe("closed");
  });

  test("ends a join that is on its way", async () => {
    const { channel, outcome } = await joining();
    const left = channel.leave();
    expect(await outcome).toMatchObject({ error: { code: "left" } });
    await last().reply("phx_join", { recent: [] });
    expect(channel.state).toBe("leaving");
    await last().reply("phx_leave");
    await left;
  });

  test("while the join's params are still to come ends it too", async () => {
    let resolve = (_: object): void => {};
    const socket = connect();
    const channel = socket.channel(room, { room_id: "lobby" }, () => new Promise<object>((done) => (resolve = done)));
    const outcome = codeOf(channel.join());
    await settle();
    await last().open();
    void channel.leave();
    resolve({});
    await settle();
    expect(await outcome).toBe("left");
    expect(last().frames().map(([, , , event]) => event)).toEqual(["phx_leave"]);
  });

  test.each(["errored", "joining", "joined"])("from a callback that hears of %s is kept to", async (when) => {
    const { socket, channel, rejoins } = await joined();
    channel.onState((state) => state === when && void channel.leave());
    await last().message("1", "1", "room:lobby", "phx_error", {});
    await settle(250);
    if (when === "joined") await last().reply("phx_join", { recent: [] });
    if (when !== "errored") await last().reply("phx_leave");
    expect(channel.state).toBe("closed");
    const before = last().sent.length;
    await settle(20_000);
    expect([last().sent.length, rejoins.length, channel.state, socket.state]).toEqual([before, 0, "closed", "open"]);
  });

  test("ends the rejoining", async () => {
    const { channel } = await joined();
    await last().message("1", "1", "room:lobby", "phx_error", {});
    await channel.leave();
    const before = last().sent.length;
    await settle(20_000);
    expect(last().sent).toHaveLength(before);
    expect(channel.state).toBe("closed");
  });

  test("of what is not joined is no matter", async () => {
    const channel = connect().channel(room, { room_id: "lobby" });
    const states = vi.fn();
    channel.onState(states);
    await channel.leave();
    expect(sockets).toEqual([]);
    expect(states).not.toHaveBeenCalled();
  });

  test("leaves a handle that can join again, at once", async () => {
    const { channel } = await joined();
    const seen = vi.fn();
    channel.on("created", seen);
    const left = channel.leave();
    const again = channel.join();
    await left;
    await settle();
    await last().message("1", "2", "room:lobby", "phx_reply", { status: "ok", response: {} });
    await last().reply("phx_join", { recent: ["again"] });
    expect(await again).toEqual({ recent: ["again"] });
    await last().message(null, null, "room:lobby", "created", { body: "a" });
    expect(seen).toHaveBeenCalledTimes(1);
  });
});

test("a channel that the server closes is closed, and does not come back", async () => {
  const { channel } = await joined();
  const seen = vi.fn();
  channel.onState(seen);
  await last().message("1", "1", "room:lobby", "phx_close", {});
  expect(seen.mock.calls).toEqual([["closed", expect.objectContaining({ code: "disconnected" })]]);
  await settle(20_000);
  expect(last().frames().filter(([, , , event]) => event === "phx_join")).toHaveLength(1);
});

test("of two handles for one topic the later join takes over", async () => {
  const { socket, channel } = await joined();
  const second = socket.channel(room, { room_id: "lobby" });
  const promise = second.join();
  await settle();
  await last().reply("phx_join", { recent: [] });
  await last().message("1", "1", "room:lobby", "phx_close", {});
  await promise;
  expect([channel.state, second.state]).toEqual(["closed", "joined"]);
});

test("a channel without presence has none", () => {
  const plain: ChannelDefinition<Contract> = { topic: "plain" };
  expect(connect().channel(plain, { room_id: "" }).presence).toBeUndefined();
});
