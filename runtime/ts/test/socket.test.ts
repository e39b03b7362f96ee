import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { $Socket } from "../src/socket.ts";
import { codeOf, connect, FakeWebSocket, freeze, joined, last, settle, sockets, thaw } from "./server.ts";

beforeEach(freeze);
afterEach(thaw);

describe("the address", () => {
  async function address(url: string, params?: object): Promise<string> {
    new $Socket<object>(url, { WebSocket: FakeWebSocket, params }).connect();
    await settle();
    return last().url.href.replace(/&_client=[\d-]+$/, "");
  }

  test("is the mount's WebSocket with the protocol's parameters", async () => {
    expect(await address("http://example.com/socket")).toBe("ws://example.com/socket/websocket?vsn=2.0.0&chgen=1");
    expect(await address("https://example.com/socket/")).toBe("wss://example.com/socket/websocket?vsn=2.0.0&chgen=1");
    expect(await address("wss://example.com/socket?a=1")).toBe("wss://example.com/socket/websocket?a=1&vsn=2.0.0&chgen=1");
  });

  test("is relative to the page", async () => {
    vi.stubGlobal("location", { href: "https://example.com/app/index.html" });
    expect(await address("/socket")).toBe("wss://example.com/socket/websocket?vsn=2.0.0&chgen=1");
    expect(await address("socket")).toBe("wss://example.com/app/socket/websocket?vsn=2.0.0&chgen=1");
  });

  test("holds the connect params, without those that are undefined", async () => {
    const params = { name: "Ada & co", age: 36, admin: false, gone: undefined };
    expect(await address("http://example.com/s", params)).toBe(
      "ws://example.com/s/websocket?name=Ada+%26+co&age=36&admin=false&vsn=2.0.0&chgen=1",
    );
  });

  test("is refused at once where it is none", () => {
    expect(() => new $Socket<object>("/socket", { WebSocket: FakeWebSocket })).toThrow(
      "/socket is no address for a socket; outside of a page it has to begin with http or ws",
    );
  });
});

test("without a WebSocket the constructor says what to do", () => {
  vi.stubGlobal("WebSocket", undefined);
  expect(() => new $Socket<object>("http://example.com/socket")).toThrow("options.WebSocket");
});

test("it takes the platform's WebSocket", async () => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
  new $Socket<object>("http://example.com/socket").connect();
  await settle();
  expect(sockets).toHaveLength(1);
});

test("its state can be observed, until that is ended", async () => {
  const socket = connect();
  const seen: string[] = [];
  const stop = socket.onState((state, reason) => seen.push(`${state}:${reason}`));
  expect(socket.state).toBe("closed");
  socket.connect();
  await settle();
  await last().open();
  await last().drop(1006, "gone");
  await settle(250);
  await last().drop(1006, "still gone");
  expect(socket.reason).toBe("still gone");
  await settle(500);
  await last().open();
  socket.disconnect();
  stop();
  socket.connect();
  expect(seen).toEqual(["connecting:", "open:", "reconnecting:gone", "open:", "closed:"]);
  expect(socket.state).toBe("connecting");
});

test("one callback's exception is reported and keeps no other from being called", async () => {
  const reported = vi.fn();
  vi.stubGlobal("reportError", reported);
  const socket = connect();
  const mistake = new Error("mistake");
  const second = vi.fn();
  socket.onState(() => {
    throw mistake;
  });
  socket.onState(second);
  socket.connect();
  expect(second).toHaveBeenCalledWith("connecting", "");
  expect(reported).toHaveBeenCalledWith(mistake);
});

test("binary frames come as an ArrayBuffer", async () => {
  connect().connect();
  await settle();
  expect(last().binaryType).toBe("arraybuffer");
});

test("connect does nothing where that is under way", async () => {
  const socket = connect();
  socket.connect();
  socket.connect();
  await settle();
  socket.connect();
  await last().open();
  socket.connect();
  await settle();
  expect(sockets).toHaveLength(1);
});

describe("params", () => {
  test("are read again before every attempt", async () => {
    let token = 0;
    const socket = connect({ params: () => Promise.resolve({ token: `t${++token}` }) });
    socket.connect();
    await settle();
    await last().open();
    await last().drop();
    await settle(250);
    expect(sockets.map(({ url }) => url.searchParams.get("token"))).toEqual(["t1", "t2"]);
  });

  test("that cannot be read are reported and read again later", async () => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    const params = vi.fn().mockRejectedValueOnce(new Error("offline")).mockResolvedValue({ token: "t" });
    const socket = connect({ params });
    socket.connect();
    await settle();
    expect(reported).toHaveBeenCalledWith(new Error("offline"));
    expect(socket.state).toBe("reconnecting");
    await settle(250);
    expect(last().url.searchParams.get("token")).toBe("t");
  });

  test("that never come are read again later", async () => {
    const params = vi.fn().mockReturnValueOnce(new Promise(() => {})).mockResolvedValue({ token: "t" });
    const socket = connect({ params, timeout: 2_000 });
    socket.connect();
    await settle(1_999);
    expect(socket.state).toBe("connecting");
    await settle(1);
    expect([socket.state, socket.reason, sockets.length]).toEqual(["reconnecting", "no connection in time", 0]);
    await settle(250);
    expect(last().url.searchParams.get("token")).toBe("t");
  });

  test("that come too late connect nothing", async () => {
    let resolve = (_: object): void => {};
    const params = vi.fn().mockReturnValueOnce(new Promise((done) => (resolve = done))).mockResolvedValue({ token: "new" });
    connect({ params, timeout: 2_000 }).connect();
    await settle(2_000);
    resolve({ token: "old" });
    await settle(250);
    expect(sockets.map(({ url }) => url.searchParams.get("token"))).toEqual(["new"]);
  });

  test("and the connection share one deadline", async () => {
    const params = (): Promise<object> => new Promise((resolve) => setTimeout(() => resolve({}), 1_500));
    connect({ params, timeout: 2_000 }).connect();
    await settle(1_999);
    expect(last().closed).toBe(false);
    await settle(1);
    expect(last().closed).toBe(true);
  });

  test("that come after a disconnect connect nothing", async () => {
    let resolve = (_: object): void => {};
    const socket = connect({ params: () => new Promise((done) => (resolve = done)) });
    socket.connect();
    socket.disconnect();
    resolve({});
    await settle(60_000);
    expect(sockets).toEqual([]);
    expect(socket.state).toBe("closed");
  });
});

test("params that fail after a disconnect are no reason to reconnect", async () => {
  vi.stubGlobal("reportError", vi.fn());
  let reject = (_: Error): void => {};
  const socket = connect({ params: () => new Promise((_, fail) => (reject = fail)) });
  socket.connect();
  socket.disconnect();
  reject(new Error("offline"));
  await settle(60_000);
  expect([socket.state, sockets.length]).toEqual(["closed", 0]);
});

describe("reconnecting", () => {
  /** The delays before the next attempts, each of which fails at once. */
  async function delays(count: number): Promise<number[]> {
    const waited: number[] = [];
    for (let i = 0; i < count; i++) {
      const before = sockets.length;
      const start = Date.now();
      await last().drop();
      while (sockets.length === before) await settle(1);
      waited.push(Date.now() - start);
    }
    return waited;
  }

  test("waits longer each time, up to ten seconds", async () => {
    connect().connect();
    await settle();
    expect(await delays(7)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  test("is spread at random", async () => {
    vi.mocked(Math.random).mockReturnValue(1);
    connect().connect();
    await settle();
    expect(await delays(3)).toEqual([500, 1_000, 2_000]);
  });

  test("begins anew only after a connection that has lasted", async () => {
    connect().connect();
    await settle();
    await last().open();
    expect(await delays(2)).toEqual([250, 500]);
    await last().open();
    await settle(4_999);
    expect(await delays(1)).toEqual([1_000]);
    await last().open();
    await settle(5_000);
    expect(await delays(3)).toEqual([250, 500, 1_000]);
  });

  test("waits for as long as a server that goes away says, whatever the page does", async () => {
    const page = stubPage();
    connect().connect();
    await settle();
    await last().open();
    await last().drop(1012, "retry_after_ms=7000");
    page.dispatchEvent(new Event("online"));
    await settle(7_249);
    expect(sockets).toHaveLength(1);
    await settle(1);
    expect(sockets).toHaveLength(2);
  });

  test("follows a connection that does not open in time", async () => {
    connect({ timeout: 2_000 }).connect();
    await settle(2_000);
    expect(last().closed).toBe(true);
    await settle(250);
    expect(sockets).toHaveLength(2);
  });

  test("follows a constructor that throws", async () => {
    vi.stubGlobal("reportError", vi.fn());
    class Broken extends FakeWebSocket {
      constructor(url: string) {
        super(url);
        throw new Error("blocked");
      }
    }
    connect({ WebSocket: Broken }).connect();
    await settle(250);
    expect(sockets).toHaveLength(2);
  });

  test.each([
    "not JSON",
    "null",
    "5",
    '"a text"',
    "{}",
    "[]",
    '[null,null,"room:lobby","created"]',
    '[null,null,"room:lobby",5,{}]',
    '[null,null,"room:lobby",null,{}]',
    '[null,null,5,"created",{}]',
    '[1,null,"room:lobby","created",{}]',
    '["1",2,"room:lobby","phx_reply",{}]',
    '[null,null,"room:lobby","phx_reply",null]',
    '["1","1","room:lobby","phx_reply","ok"]',
    '["1",null,"room:lobby","presence_state",null]',
    '["1",null,"room:lobby","presence_state",5]',
    '["1",null,"room:lobby","presence_state",{"ada":null}]',
    '["1",null,"room:lobby","presence_state",{"ada":{}}]',
    '["1",null,"room:lobby","presence_state",{"ada":{"metas":"x"}}]',
    '["1",null,"room:lobby","presence_state",{"ada":{"metas":[null]}}]',
    '["1",null,"room:lobby","presence_state",{"ada":{"metas":[{}]}}]',
    '[null,null,"room:lobby","presence_diff",null]',
    '[null,null,"room:lobby","presence_diff",{"joins":null}]',
    '[null,null,"room:lobby","presence_diff",{"joins":{},"leaves":[1]}]',
  ])("follows a frame that cannot be decoded: %s", async (data) => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    const { socket, channel } = await joined();
    await last().receive(data);
    expect(last().closed).toBe(true);
    expect([socket.state, socket.reason, channel.state]).toEqual(["reconnecting", "undecodable frame", "errored"]);
    expect(reported).toHaveBeenCalledTimes(1);
    await settle(250);
    await last().open();
    await last().reply("phx_join", { recent: [] });
    expect(channel.state).toBe("joined");
  });

  test.each([
    ["of no kind", [3, 0, 0]],
    ["cut off", [2, 9, 9, 65]],
    ["empty", []],
  ])("follows a binary frame that is %s", async (_, bytes) => {
    vi.stubGlobal("reportError", vi.fn());
    const { socket } = await joined();
    await last().receive(new Uint8Array(bytes).buffer);
    expect([socket.state, socket.reason]).toEqual(["reconnecting", "undecodable frame"]);
  });

  test("what an abandoned connection still says is ignored", async () => {
    const socket = connect();
    socket.connect();
    await settle();
    const [first] = sockets;
    await first?.open();
    socket.disconnect();
    socket.connect();
    await settle();
    await first?.drop();
    await first?.open();
    await first?.receive("not JSON");
    expect(socket.state).toBe("connecting");
    expect(sockets).toHaveLength(2);
  });
});

describe("a refusal", () => {
  test("is final, and says why", async () => {
    const { socket } = await joined();
    await last().drop(4403, "your token has expired");
    await settle(120_000);
    expect(socket.state).toBe("refused");
    expect(socket.reason).toBe("your token has expired");
    expect(sockets).toHaveLength(1);
  });

  test("is final whatever the page does", async () => {
    const page = stubPage();
    const { socket } = await joined();
    await last().drop(4403, "no");
    for (const event of ["pagehide", "pageshow", "online"]) page.dispatchEvent(new Event(event));
    await settle(120_000);
    expect([socket.state, sockets.length]).toEqual(["refused", 1]);
  });

  test("is forgotten by connect, and channels that were joined rejoin", async () => {
    const { socket, channel, rejoins } = await joined();
    await last().drop(4403, "no");
    socket.connect();
    await settle();
    await last().open();
    await last().reply("phx_join", { recent: ["a"] });
    expect(channel.state).toBe("joined");
    expect(rejoins).toEqual([{ reply: { recent: ["a"] }, recovered: false }]);
  });
});

describe("the heartbeat", () => {
  test("goes out every 30 seconds while something comes back", async () => {
    connect().connect();
    await settle();
    await last().open();
    await settle(30_000);
    expect(last().frames()).toEqual([[null, "1", "phoenix", "heartbeat", {}]]);
    await last().message(null, "1", "phoenix", "phx_reply", { status: "ok", response: {} });
    await settle(30_000);
    expect(last().frames()).toHaveLength(2);
  });

  test("goes out however much comes by itself", async () => {
    await joined();
    for (let s = 0; s < 120; s++) {
      await settle(1_000);
      await last().message(null, null, "room:lobby", "created", { body: "a" });
    }
    const beats = last().frames().filter(([, , , event]) => event === "heartbeat");
    expect(beats.length).toBeGreaterThanOrEqual(3); // servers close what is silent for 60 s
  });

  test("that nothing follows in time ends the connection", async () => {
    const { socket, channel } = await joined();
    await settle(39_999);
    expect(socket.state).toBe("open");
    await settle(1);
    expect([socket.state, socket.reason, channel.state]).toEqual(["reconnecting", "heartbeat timeout", "errored"]);
    expect(last().closed).toBe(true);
  });

  test("goes out 30 seconds after the answer to the last", async () => {
    connect().connect();
    await settle();
    await last().open();
    await settle(35_000);
    await last().message(null, "1", "phoenix", "phx_reply", { status: "ok", response: {} });
    await settle(29_999);
    expect(last().sent).toHaveLength(1);
    await settle(1);
    expect(last().sent).toHaveLength(2);
  });

  test("that nothing follows because the machine slept is sent again", async () => {
    const { socket } = await joined();
    await settle(30_000);
    vi.setSystemTime(Date.now() + 3_600_000);
    await settle(10_000);
    expect([socket.state, last().frames().filter(([, , , event]) => event === "heartbeat").length]).toEqual(["open", 2]);
    await settle(10_000);
    expect(socket.state).toBe("reconnecting");
  });

  test("ends with the connection", async () => {
    const { socket } = await joined();
    socket.disconnect();
    const before = last().sent.length;
    await settle(120_000);
    expect(last().sent).toHaveLength(before);
  });
});

/** Gives the socket a page, which is both window and document. */
function stubPage(): EventTarget & { visibilityState: string } {
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  vi.stubGlobal("document", page);
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  return page;
}

describe("the page", () => {
  test.each(["visibilitychange", "online", "resume", "pageshow"])("%s brings the next attempt forward", async (event) => {
    const page = stubPage();
    await joined();
    await last().drop();
    page.dispatchEvent(new Event(event));
    await settle();
    expect(sockets).toHaveLength(2);
    page.dispatchEvent(new Event(event));
    await settle();
    expect(sockets).toHaveLength(2);
  });

  test("that becomes visible finds a dead connection at once", async () => {
    const page = stubPage();
    const { socket } = await joined();
    page.dispatchEvent(new Event("visibilitychange"));
    expect(last().frame("heartbeat")).toBeDefined();
    await settle(10_000);
    expect(socket.state).toBe("reconnecting");
  });

  test("that becomes hidden changes nothing", async () => {
    const page = stubPage();
    await joined();
    page.visibilityState = "hidden";
    const before = last().sent.length;
    page.dispatchEvent(new Event("visibilitychange"));
    expect(last().sent).toHaveLength(before);
  });

  test("that goes closes the connection, and opens one when it comes back", async () => {
    const page = stubPage();
    const { socket, channel } = await joined();
    const push = codeOf(channel.push("send", { body: "a" }));
    page.dispatchEvent(new Event("pagehide"));
    expect(last().closed).toBe(true);
    expect([socket.state, channel.state, await push]).toEqual(["reconnecting", "errored", "disconnected"]);
    await settle(60_000);
    expect(sockets).toHaveLength(1);
    page.dispatchEvent(new Event("pageshow"));
    await settle();
    await last().open();
    await last().reply("phx_join", { recent: [] });
    expect([socket.state, channel.state]).toEqual(["open", "joined"]);
  });

  test("is no longer listened to after a disconnect", async () => {
    const page = stubPage();
    const { socket } = await joined();
    socket.disconnect();
    page.dispatchEvent(new Event("pagehide"));
    page.dispatchEvent(new Event("pageshow"));
    await settle();
    expect(socket.state).toBe("closed");
    expect(sockets).toHaveLength(1);
  });
});

test("disconnect from a callback is kept to", async () => {
  const { socket, channel } = await joined();
  const states: string[] = [];
  const stop = channel.onState((state) => states.push(state) && socket.disconnect());
  await last().message("1", "1", "room:lobby", "phx_error", {});
  const before = last().sent.length;
  await settle(60_000);
  expect([socket.state, states, last().sent.length, sockets.length]).toEqual(["closed", ["errored"], before, 1]);
  stop();
  socket.onState((state) => state === "open" && socket.disconnect());
  socket.connect();
  await settle();
  await last().open();
  await settle(60_000);
  expect([socket.state, channel.state, last().sent.length]).toEqual(["closed", "errored", 0]);
});

test("disconnect closes the connection for good; connect makes another, and channels rejoin", async () => {
  const { socket, channel, rejoins } = await joined();
  socket.disconnect();
  expect([socket.state, channel.state, last().closed]).toEqual(["closed", "errored", true]);
  await settle(120_000);
  expect(sockets).toHaveLength(1);
  socket.connect();
  await settle();
  await last().open();
  await last().reply("phx_join", { recent: [] });
  expect(channel.state).toBe("joined");
  expect(rejoins).toHaveLength(1);
});
