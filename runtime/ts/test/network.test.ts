// Over a real WebSocket: the package ws on both ends.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket as NodeWebSocket, WebSocketServer } from "ws";
import type { $WebSocketConstructor } from "../src/globals.ts";
import { $Socket } from "../src/socket.ts";
import { room, type Frame, type Params } from "./server.ts";

// A browser's WebSocket fits too.
export const fits = (browser: typeof WebSocket): $WebSocketConstructor => browser;

let server: WebSocketServer;
let socket: $Socket<Params>;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (connection) => {
    connection.on("message", (data: Buffer, binary) => {
      if (binary) return connection.send(Buffer.concat([Buffer.from([2, 10, 5]), Buffer.from("room:lobbychunk"), data.subarray(-2)]));
      const [joinRef, ref, topic, event] = JSON.parse(data.toString()) as Frame;
      if (event === "send") return connection.close(1012, "retry_after_ms=1");
      connection.send(JSON.stringify([joinRef, ref, topic, "phx_reply", { status: "ok", response: { recent: [] } }]));
    });
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  socket = new $Socket<Params>(`http://127.0.0.1:${port}/socket`, { WebSocket: NodeWebSocket });
});

afterEach(async () => {
  socket.disconnect();
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

test("it joins, sends and receives bytes, comes back and leaves", async () => {
  const channel = socket.channel(room, { room_id: "lobby" });
  const rejoined = new Promise((resolve) => {
    void channel.join({ onRejoin: resolve }).then(async () => {
      channel.on("chunk", () => void channel.tryPush("send", { body: "close" }));
      await channel.tryPush("upload", new Uint8Array([1, 2, 3]), { timeout: 1 });
    });
  });
  expect(await rejoined).toEqual({ reply: { recent: [] }, recovered: false });
  await channel.leave();
  expect([socket.state, channel.state]).toEqual(["open", "closed"]);
});

test("what waits for one message comes before the next, also where both come at once, and before the end", async () => {
  server.removeAllListeners("connection");
  server.on("connection", (connection, { socket: tcp }) => {
    connection.on("message", (data: Buffer) => {
      const [joinRef, ref, topic] = JSON.parse(data.toString()) as Frame;
      tcp.cork();
      connection.send(JSON.stringify([joinRef, ref, topic, "phx_reply", { status: "ok", response: { recent: [] } }]));
      for (const body of ["a", "b"]) connection.send(JSON.stringify([null, null, topic, "created", { body }]));
      connection.close(4403);
      tcp.uncork();
    });
  });
  const seen: unknown[] = [];
  const channel = socket.channel(room, { room_id: "lobby" });
  const ended = new Promise((resolve) => channel.onState((state) => state === "errored" && resolve(seen.push(state))));
  channel.on("created", ({ body }) => seen.push(body));
  await channel.tryJoin();
  seen.push("joined");
  await channel.once("created");
  seen.push("once");
  await ended;
  expect(seen).toEqual(["joined", "a", "once", "b", "errored"]);
});

test("a server that is not there is no reason to give up", async () => {
  server.close();
  const reconnecting = new Promise((resolve) => socket.onState((state) => state === "reconnecting" && resolve(state)));
  socket.connect();
  expect(await reconnecting).toBe("reconnecting");
});
