import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { longPoll } from "../src/longpoll.ts";
import { connect, freeze, last, room, settle, sockets, thaw, type Frame } from "./server.ts";
import { deliver, requested, requests, stubFetch } from "./poll-server.ts";

beforeEach(() => {
  freeze();
  stubFetch();
});
afterEach(thaw);

const polling = { WebSocket: false, fallback: longPoll } as const;

async function opened(options: object = {}) {
  const socket = connect({ ...polling, ...options });
  socket.connect();
  await settle();
  await requested("GET").answer({ status: 410, token: "t0", messages: [] });
  return socket;
}

async function joined(options: object = {}) {
  const socket = await opened(options);
  const channel = socket.channel(room, { room_id: "lobby" });
  const join = channel.join();
  await settle();
  const [joinRef, ref, topic] = JSON.parse(requested("POST").lines[0]!) as Frame;
  await requested("POST").answer({ status: 200 });
  await deliver("t1", [joinRef, ref, topic, "phx_reply", { status: "ok", response: { recent: [] } }]);
  await join;
  return { socket, channel };
}

describe("a session", () => {
  test("begins with a poll that has the params, and is open with its token", async () => {
    const socket = await opened({ params: { token: "mine" }, authToken: "secret" });
    const [first, second] = requests;
    expect(first?.url.href).toMatch(/^http:\/\/example.com\/socket\/longpoll\?token=mine&vsn=2\.0\.0&chgen=1&_client=/);
    expect(first?.headers).toEqual({ "x-phoenix-authtoken": "secret" });
    expect(socket.state).toBe("open");
    expect([second?.method, second?.token, requests.length]).toEqual(["GET", "t0", 2]);
  });

  test("polls on, showing the token of the last answer that came", async () => {
    await opened();
    await deliver("t1", [null, null, "room:lobby", "created", {}]);
    expect(requested("GET").token).toBe("t1");
    await deliver("t2");
    expect(requested("GET").token).toBe("t2");
  });

  test("carries joins, pushes and events", async () => {
    const { channel } = await joined();
    const seen: unknown[] = [];
    channel.on("created", (payload) => seen.push(payload));
    const push = channel.push("send", { body: "a" });
    await settle();
    expect(requested("POST").lines).toEqual(['["1","2","room:lobby","send",{"body":"a"}]']);
    expect(requested("POST").headers).toMatchObject({ "content-type": "application/x-ndjson" });
    expect(requested("POST").keepalive).toBe(false);
    await deliver("t2", [null, null, "room:lobby", "created", { body: "a" }], ["1", "2", "room:lobby", "phx_reply", { status: "ok", response: { id: "7" } }]);
    await settle(1);
    expect(await push).toEqual({ id: "7" });
    expect(seen).toEqual([{ body: "a" }]);
  });

  test("carries bytes in base64 both ways", async () => {
    const { channel } = await joined();
    const seen: unknown[] = [];
    channel.on("chunk", (payload) => seen.push(payload));
    void channel.push("upload", new Uint8Array([250, 251, 252]));
    await settle();
    const frame = Buffer.from([0, 1, 1, 10, 6, ...Buffer.from("12room:lobbyupload"), 250, 251, 252]);
    expect(requested("POST").lines).toEqual([frame.toString("base64")]);
    const chunk = Buffer.from([2, 10, 5, ...Buffer.from("room:lobbychunk"), 4, 255]);
    await deliver("t2", chunk.toString("base64"));
    expect(seen).toEqual([new Uint8Array([4, 255])]);
  });
});

test("what waits for one message comes before the next of the same answer", async () => {
  const socket = await opened();
  const channel = socket.channel(room, { room_id: "lobby" });
  const seen: unknown[] = [];
  channel.on("created", () => seen.push("event"));
  void channel.tryJoin().then(() => seen.push("reply"));
  await settle();
  const [joinRef, ref, topic] = JSON.parse(requested("POST").lines[0]!) as Frame;
  await deliver(
    "t1",
    [joinRef, ref, topic, "phx_reply", { status: "ok", response: { recent: [] } }],
    [null, null, topic, "created", { body: "a" }],
  );
  await settle(1);
  expect(seen).toEqual(["reply", "event"]);
});

describe("sending", () => {
  test("puts the frames of one turn into one request, and sends one request at a time", async () => {
    const { channel } = await joined();
    for (const body of ["a", "b"]) void channel.tryPush("send", { body });
    await settle();
    const first = requested("POST");
    expect(first.lines).toHaveLength(2);
    for (const body of ["c", "d", "e"]) void channel.tryPush("send", { body });
    await settle();
    expect(requested("POST")).toBe(first);
    await first.answer({ status: 200 });
    expect(requested("POST").lines.map((line) => (JSON.parse(line) as Frame)[4])).toEqual([{ body: "c" }, { body: "d" }, { body: "e" }]);
  });

  test("puts at most 100 frames into a request, in order", async () => {
    const { channel } = await joined();
    for (let i = 0; i < 250; i++) void channel.tryPush("send", { body: `${i}` });
    await settle();
    const bodies: number[] = [];
    for (const size of [100, 100, 50]) {
      const { lines } = requested("POST");
      expect(lines).toHaveLength(size);
      bodies.push(...lines.map((line) => Number(((JSON.parse(line) as Frame)[4] as { body: string }).body)));
      await requested("POST").answer({ status: 200 });
    }
    expect(bodies).toEqual([...bodies.keys()]);
    expect(requests.filter(({ method }) => method === "POST")).toHaveLength(4);
  });

  test("keeps within what a server takes as a body", async () => {
    const { channel } = await joined();
    for (let i = 0; i < 10; i++) void channel.tryPush("send", { body: "€".repeat(20_000) });
    await settle();
    const sizes: number[] = [];
    while (sizes.reduce((sum, size) => sum + size, 0) < 10) {
      const { lines } = requested("POST");
      expect(Buffer.byteLength(lines.join("\n"))).toBeLessThan(1 << 20);
      sizes.push(lines.length);
      await requested("POST").answer({ status: 200 });
    }
    expect(sizes).toEqual([10]);
  });

  test("sends in several requests what is too much for one, and alone what is too much by itself", async () => {
    const { channel } = await joined({ maxFrame: 4_000_000 });
    for (const size of [400_000, 200_000, 200_000]) void channel.tryPush("send", { body: "x".repeat(size) });
    await settle();
    const sizes: number[] = [];
    for (let i = 0; i < 3; i++) {
      sizes.push(requested("POST").lines.length);
      await requested("POST").answer({ status: 200 });
    }
    expect(sizes).toEqual([1, 1, 1]);
  });

  test.each([
    ["fails", () => requested("POST").fail()],
    ["is not taken", () => requested("POST").answer({ status: 413, reason: "a batch may have 10 lines" })],
    ["finds no session", () => requested("POST").answer({ status: 410 })],
  ])("that %s ends the connection: the push may have been taken, and is not sent again", async (_, happen) => {
    const { socket, channel } = await joined();
    const push = channel.tryPush("send", { body: "a" });
    await settle();
    await happen();
    expect(await push).toMatchObject({ ok: false, error: { code: "disconnected" } });
    expect(socket.state).toBe("reconnecting");
    await settle(500);
    expect(requested("GET").token).toBeUndefined();
  });

  test("goes on after a disconnect until what was sent is out", async () => {
    const { socket, channel } = await joined();
    void channel.leave();
    socket.disconnect();
    await settle();
    expect(requested("POST").lines).toEqual(['["1","2","room:lobby","phx_leave",{}]', '[null,"0","phoenix","chgen_close",{}]']);
    expect(requested("POST").keepalive).toBe(true);
    expect(requested("GET").aborted).toBe(true);
    const before = requests.length;
    await requested("POST").answer({ status: 200 });
    await settle(60_000);
    expect(requests).toHaveLength(before);
  });
});

describe("a poll", () => {
  test("that fails is sent again with the same token, and what the lost answer had comes once", async () => {
    const { socket, channel } = await joined();
    const seen: unknown[] = [];
    channel.on("created", ({ body }) => seen.push(body));
    await requested("GET").fail();
    const before = requests.length;
    await settle(249);
    expect(requests).toHaveLength(before);
    await settle(1);
    expect(requested("GET").token).toBe("t1");
    await deliver("t3", [null, null, "room:lobby", "created", { body: "a" }]);
    expect([socket.state, seen]).toEqual(["open", ["a"]]);
  });

  test("that fails again and again is given up", async () => {
    const { socket } = await joined();
    for (const pause of [250, 500, 1_000]) {
      await requested("GET").fail();
      expect(socket.state).toBe("open");
      await settle(pause);
    }
    await requested("GET").fail();
    expect(socket.state).toBe("reconnecting");
  });

  test.each([
    ["no object", null],
    ["messages that are no list", { status: 200, token: "t2", messages: 1 }],
    ["a message that is no text", { status: 200, token: "t2", messages: [1] }],
    ["a message that is no base64", { status: 200, token: "t2", messages: ["?"] }],
  ])("whose answer is %s is reported, and ends the connection", async (_, answer) => {
    const reported = vi.spyOn(console, "error").mockReturnValue();
    const { socket } = await joined();
    await requested("GET").answer(answer as object);
    expect([socket.state, socket.reason]).toEqual(["reconnecting", "undecodable answer"]);
    expect(reported).toHaveBeenCalledOnce();
  });

  test("whose session is lost ends the connection, and channels rejoin over another", async () => {
    const { socket, channel } = await joined();
    await requested("GET").answer({ status: 410, token: "other", messages: [] });
    expect([socket.state, channel.state]).toEqual(["reconnecting", "errored"]);
    await settle(250);
    expect(requested("GET").token).toBeUndefined();
    await requested("GET").answer({ status: 410, token: "u0", messages: [] });
    expect([socket.state, channel.state]).toEqual(["open", "joining"]);
  });

  test("hears with which code and reason the server closes", async () => {
    const { socket } = await joined();
    await requested("GET").answer({ status: 410, token: "t2", messages: [], code: 1012, reason: "retry_after_ms=5000" });
    const before = requests.length;
    await settle(5_249);
    expect([socket.state, requests.length]).toEqual(["reconnecting", before]);
    await settle(1);
    expect(requests).toHaveLength(before + 1);
  });

  test("that is refused says why, for good", async () => {
    const socket = connect(polling);
    socket.connect();
    await settle();
    await requested("GET").answer({ status: 403, reason: "your token has expired" });
    await settle(60_000);
    expect([socket.state, socket.reason, requests.length]).toEqual(["refused", "your token has expired", 1]);
  });

  test("in the middle of a session that is refused had old params: they are read again", async () => {
    const { socket } = await joined();
    await requested("GET").answer({ status: 403, reason: "your token has expired" });
    expect(socket.state).toBe("reconnecting");
  });

  test("that opens nothing is tried again later", async () => {
    const socket = connect(polling);
    socket.connect();
    await settle();
    await requested("GET").fail();
    expect(socket.state).toBe("reconnecting");
    await settle(250);
    expect(requests).toHaveLength(2);
  });

  test("that hangs is found by the heartbeat", async () => {
    const { socket } = await joined();
    await settle(40_000);
    expect([socket.state, socket.reason]).toEqual(["reconnecting", "heartbeat timeout"]);
    expect(requested("GET").aborted).toBe(true);
  });

  test("stops with what is delivered when a callback disconnects", async () => {
    const { socket, channel } = await joined();
    const seen = vi.fn(() => socket.disconnect());
    channel.on("created", seen);
    await deliver("t2", [null, null, "room:lobby", "created", {}], [null, null, "room:lobby", "created", {}]);
    expect(seen).toHaveBeenCalledTimes(1);
    expect([socket.state, requested("GET").token]).toEqual(["closed", "t1"]);
  });
});

describe("the fallback", () => {
  const url = "http://example.com/socket/";

  function stubStorage(): Map<string, string> {
    const items = new Map<string, string>();
    vi.stubGlobal("sessionStorage", {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => items.set(key, value),
    });
    return items;
  }

  /** A socket whose WebSocket is blocked, open over long-polling. */
  async function fallen() {
    const socket = connect({ fallback: longPoll });
    socket.connect();
    await settle();
    await last().drop();
    await requested("GET").answer({ status: 410, token: "t0", messages: [] });
    return socket;
  }

  test("takes over at once where the WebSocket fails", async () => {
    const socket = await fallen();
    expect([socket.state, sockets.length, requests.length]).toEqual(["open", 1, 2]);
  });

  test("takes over where the WebSocket does not open in three seconds", async () => {
    connect({ fallback: longPoll }).connect();
    await settle(2_999);
    expect(requests).toHaveLength(0);
    await settle(1);
    expect(last().closed).toBe(true);
    await settle(1);
    expect(requests).toHaveLength(1);
  });

  test("takes over where the WebSocket opens and brings nothing", async () => {
    connect({ fallback: longPoll }).connect();
    await settle();
    await last().open();
    expect(last().frames().map(([, , , event]) => event)).toEqual(["heartbeat"]);
    await settle(3_001);
    expect(requests).toHaveLength(1);
  });

  test("stays away where the WebSocket answers", async () => {
    const socket = connect({ fallback: longPoll });
    socket.connect();
    await settle();
    await last().open();
    await last().message(null, "1", "phoenix", "phx_reply", { status: "ok", response: {} });
    await settle(29_999);
    expect([socket.state, last().sent.length, requests.length]).toEqual(["open", 1, 0]);
    await settle(1);
    expect(last().sent).toHaveLength(2);
  });

  test.each([
    ["refuses", 4403, "no", "refused"],
    ["says when to come back", 1012, "retry_after_ms=100000", "reconnecting"],
  ])("stays away where the server %s", async (_, code, reason, state) => {
    const socket = connect({ fallback: longPoll });
    socket.connect();
    await settle();
    await last().open();
    await last().drop(code, reason);
    await settle(60_000);
    expect([socket.state, requests.length]).toEqual([state, 0]);
  });

  test("stays away where params cannot be read", async () => {
    vi.stubGlobal("reportError", vi.fn());
    connect({ fallback: longPoll, params: () => Promise.reject(new Error("offline")) }).connect();
    await settle(20_000);
    expect(requests).toHaveLength(0);
  });

  test("is remembered for the session, by the address of the mount", async () => {
    const items = stubStorage();
    await fallen();
    expect([...items.keys()]).toEqual([`chgen:longpoll:${url}`]);
    connect({ fallback: longPoll }).connect();
    await settle();
    expect([sockets.length, requests.length]).toEqual([1, 3]);
  });

  test("is remembered by the socket where nothing can be stored", async () => {
    vi.stubGlobal("sessionStorage", undefined);
    await fallen();
    await requested("GET").answer({ status: 410, token: "other" });
    await settle(250);
    expect([sockets.length, requests.length]).toEqual([1, 3]);
  });

  test("is remembered by the socket where storing throws", async () => {
    const denied = (): never => {
      throw new Error("SecurityError");
    };
    vi.stubGlobal("sessionStorage", { getItem: denied, setItem: denied });
    expect((await fallen()).state).toBe("open");
  });

  test("is not remembered where it does not work either: both take turns", async () => {
    const items = stubStorage();
    connect({ fallback: longPoll }).connect();
    await settle();
    for (const delay of [250, 500]) {
      await last().drop();
      await requested("GET").fail();
      await settle(delay);
    }
    expect([sockets.length, requests.length, items.size]).toEqual([3, 2, 0]);
  });

  test("of a WebSocket that has worked before lasts for one connection", async () => {
    const items = stubStorage();
    const socket = connect({ fallback: longPoll });
    socket.connect();
    await settle();
    await last().open();
    await last().message(null, "1", "phoenix", "phx_reply", { status: "ok", response: {} });
    await last().drop();
    await settle(250);
    await last().drop();
    await settle();
    await requested("GET").answer({ status: 410, token: "t0", messages: [] });
    expect([socket.state, sockets.length, items.size]).toEqual(["open", 2, 0]);
    await requested("GET").answer({ status: 410, token: "other" });
    await settle(1_000);
    expect(sockets).toHaveLength(3);
  });

  test("serves where there is no WebSocket at all", async () => {
    vi.stubGlobal("WebSocket", undefined);
    connect({ fallback: longPoll, WebSocket: undefined }).connect();
    await settle();
    expect(requests).toHaveLength(1);
  });
});
