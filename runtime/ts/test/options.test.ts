// What a socket is told beside its address: credentials, identity, debugging.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { codeOf, connect, freeze, joined, last, settle, sockets, thaw } from "./server.ts";

beforeEach(freeze);
afterEach(thaw);

describe("authToken", () => {
  test("travels as a subprotocol that browsers take", async () => {
    connect({ authToken: "??>~a" }).connect();
    await settle();
    expect(last().protocols).toEqual(["phoenix", "base64url.bearer.phx.Pz8-fmE"]);
    expect(last().url.href).not.toContain("Pz8");
  });

  test("is read again before every attempt, and left out where it is undefined", async () => {
    const authToken = vi.fn().mockResolvedValueOnce("a").mockReturnValueOnce(undefined);
    connect({ authToken }).connect();
    await settle();
    await last().drop();
    await settle(250);
    expect(sockets.map(({ protocols }) => protocols)).toEqual([["phoenix", "base64url.bearer.phx.YQ"], undefined]);
  });
});

describe("the client's id", () => {
  const ids = (): (string | null)[] => sockets.map(({ url }) => url.searchParams.get("_client"));

  test("outlives the connection and is no other socket's", async () => {
    const { socket } = await joined();
    await last().drop();
    await settle(250);
    socket.disconnect();
    connect().connect();
    await settle();
    expect(ids()[0]).toMatch(/^\d+-\d+-\d+-\d+$/);
    expect(ids()[1]).toBe(ids()[0]);
    expect(ids()[2]).not.toBe(ids()[0]);
  });

  test("is there without crypto", async () => {
    vi.stubGlobal("crypto", undefined);
    connect().connect();
    await settle();
    expect(ids()[0]).toMatch(/^[\d.]+-\d+$/);
  });
});

describe("renew", () => {
  test("reads params again and presents them on the connection that is there", async () => {
    let token = 0;
    const { socket } = await joined({ params: () => Promise.resolve({ token: `t${++token}` }) });
    const renewed = socket.renew();
    await settle();
    expect(last().frame("chgen_params")).toEqual([null, "2", "phoenix", "chgen_params", { token: "t2" }]);
    await last().reply("chgen_params");
    await renewed;
    expect([socket.state, sockets.length]).toEqual(["open", 1]);
  });

  test("does nothing while not connected", async () => {
    const params = vi.fn(() => ({}));
    await connect({ params }).renew();
    expect([params.mock.calls.length, sockets.length]).toEqual([1, 0]);
  });

  test("rejects where the server keeps what it had", async () => {
    const { socket } = await joined();
    const renewed = codeOf(socket.renew());
    await settle();
    await last().refuse("chgen_params", "rate_limited");
    expect([await renewed, socket.state]).toEqual(["rate_limited", "open"]);
  });

  test("rejects where the server refuses, and the socket is refused", async () => {
    const { socket, channel } = await joined();
    const renewed = codeOf(socket.renew());
    await settle();
    await last().drop(4403, "you are banned");
    expect([await renewed, socket.state, socket.reason, channel.state]).toEqual(["disconnected", "refused", "you are banned", "errored"]);
  });

  test("begins an attempt anew that may have read the old params", async () => {
    const params = { token: "old" };
    const socket = connect({ params: () => params });
    socket.connect();
    await settle();
    params.token = "new";
    await socket.renew();
    await settle();
    expect(sockets.map(({ url, closed }) => [url.searchParams.get("token"), closed])).toEqual([["old", true], ["new", false]]);
    await last().open();
    expect(socket.state).toBe("open");
  });

  test("rejects when the connection goes, when nobody answers, and with what reading throws", async () => {
    const params = vi.fn(() => ({}));
    const { socket } = await joined({ params });
    const first = codeOf(socket.renew());
    await settle(10_000);
    expect(await first).toBe("timeout");
    const second = codeOf(socket.renew());
    await settle();
    socket.disconnect();
    expect(await second).toBe("disconnected");
    params.mockImplementationOnce(() => {
      throw new Error("offline");
    });
    await expect(socket.renew()).rejects.toThrow("offline");
  });
});

describe("debug", () => {
  test("true prints each frame with its type, topic, event, ref and payload", async () => {
    const lines = vi.spyOn(console, "debug").mockImplementation(() => {});
    const { channel } = await joined({ debug: true });
    void channel.tryPush("send", { body: "x".repeat(300) });
    await last().reply("send", { id: "7" });
    await last().message(null, "e:1:mac", "room:lobby", "created", { body: "a" });
    await last().message("1", null, "room:lobby", "created", { body: "b" });
    void channel.tryPush("upload", new Uint8Array(5));
    await last().receive(new Uint8Array([2, 10, 5, ...new TextEncoder().encode("room:lobbychunk"), 4, 5]).buffer);
    expect(lines.mock.calls.map(([line]) => line as string)).toEqual([
      "→ push room:lobby phx_join #1 {}",
      '← reply room:lobby phx_join #1 {"status":"ok","response":{"recent":[]}}',
      `→ push room:lobby send #2 {"body":"${"x".repeat(191)}…`,
      '← reply room:lobby send #2 {"status":"ok","response":{"id":"7"}}',
      '← broadcast room:lobby created {"body":"a"}',
      '← push room:lobby created {"body":"b"}',
      '→ push room:lobby upload #3 "5 bytes"',
      '← broadcast room:lobby chunk "2 bytes"',
    ]);
  });

  test("a function is given direction and frame; what it throws is reported and harms nothing", async () => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    const seen: unknown[] = [];
    const debug = (...frame: unknown[]): never => {
      seen.push(frame);
      throw new Error("mistake");
    };
    const { channel } = await joined({ debug });
    expect(seen).toEqual([
      ["sent", ["1", "1", "room:lobby", "phx_join", {}]],
      ["received", ["1", "1", "room:lobby", "phx_reply", { status: "ok", response: { recent: [] } }]],
    ]);
    expect([reported.mock.calls.length, channel.state]).toEqual([2, "joined"]);
  });
});
