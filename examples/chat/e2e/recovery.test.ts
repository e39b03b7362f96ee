// The generated client against the chat, without a browser: a connection that breaks loses nothing.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Socket, room } from "../web/chat.gen";
import { ChatServer } from "./chat-server";

let server: ChatServer;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = await ChatServer.start();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});
afterAll(async () => {
  await server.stop();
});

/** Joins a room as name, with a way to break the connection, and to keep it from being made again. */
async function enter(name: string, id: string) {
  const connections: WebSocket[] = [];
  let allowed = Promise.resolve();
  class Breakable extends WebSocket {
    constructor(url: string | URL) {
      super(url);
      connections.push(this);
    }
  }
  const params = async () => {
    await allowed;
    return { name };
  };
  const socket = new Socket(server.socketURL, { params, WebSocket: Breakable });
  sockets.push(socket);
  const channel = socket.channel(room, { room_id: id });
  const heard: (string | boolean)[] = [];
  channel.on("message_created", ({ body }) => heard.push(body));
  await channel.join({ onRejoin: ({ recovered }) => heard.push(recovered) });
  const cut = (): (() => void) => {
    let allow = () => {};
    allowed = new Promise((resolve) => (allow = resolve));
    connections.at(-1)?.terminate();
    return allow;
  };
  return { channel, heard, cut };
}

test("whoever was cut off gets what was said meanwhile, then what is new", async () => {
  const ada = await enter("Ada", "recovery");
  const grace = await enter("Grace", "recovery");
  await grace.channel.push("send_message", { body: "1" });
  await expect.poll(() => ada.heard).toEqual(["1"]);
  const reconnect = ada.cut();
  await expect.poll(() => ada.channel.state).toBe("errored");
  await grace.channel.push("send_message", { body: "2" });
  await grace.channel.push("send_message", { body: "3" });
  reconnect();
  await expect.poll(() => ada.channel.state).toBe("joined");
  await grace.channel.push("send_message", { body: "4" });
  await expect.poll(() => ada.heard).toEqual(["1", true, "2", "3", "4"]);
});

test("whoever comes to a server that has forgotten everything is told so", async () => {
  const ada = await enter("Ada", "forgotten");
  const grace = await enter("Grace", "forgotten");
  await grace.channel.push("send_message", { body: "1" });
  await expect.poll(() => ada.heard).toEqual(["1"]);
  const earlier = server;
  await earlier.stop();
  server = await ChatServer.start(earlier);
  await expect.poll(() => ada.heard, { timeout: 20_000 }).toEqual(["1", false]);
  await expect.poll(() => grace.channel.state, { timeout: 20_000 }).toBe("joined");
  await grace.channel.push("send_message", { body: "2" });
  await expect.poll(() => ada.heard).toEqual(["1", false, "2"]);
});
