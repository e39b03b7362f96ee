// The chat driven by Phoenix's own client and by Supabase's, unmodified: what they rely on works here.
import * as supabase from "@supabase/phoenix";
import * as phoenix from "phoenix";
import { type Channel, type Push, type Socket } from "phoenix";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { ChatServer } from "./chat-server";

let server: ChatServer;
let client: typeof phoenix;
let transport: unknown;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = await ChatServer.start();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});
afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

function connect(name: string, options: object = {}, { socketURL } = server): Socket {
  const socket = new client.Socket(socketURL, { transport, params: { name }, ...options });
  socket.connect();
  sockets.push(socket);
  return socket;
}

interface Answer {
  status: string;
  response: any;
}

function answer(push: Push): Promise<Answer> {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve({ status, response }));
    }
  });
}

/** Resolves with the next payload of the event. */
function next(channel: Channel, event: string): Promise<any> {
  return new Promise((resolve) => channel.on(event, resolve));
}

async function joined(socket: Socket, room: string): Promise<Channel> {
  const channel = socket.channel(`room:${room}`, {});
  expect((await answer(channel.join())).status).toBe("ok");
  return channel;
}

describe.each([
  { name: "phoenix over WebSocket", module: phoenix, over: WebSocket },
  { name: "phoenix over long-polling", module: phoenix, over: phoenix.LongPoll },
  { name: "@supabase/phoenix over WebSocket", module: supabase, over: WebSocket },
  { name: "@supabase/phoenix over long-polling", module: supabase, over: supabase.LongPoll },
])("$name", ({ name, module, over }) => {
  beforeAll(() => {
    client = module as unknown as typeof phoenix;
    transport = over;
  });

  test("a join is answered with the declared reply", async () => {
    const channel = connect("Ada").channel("room:reply", {});
    const { status, response } = await answer(channel.join());
    expect(status).toBe("ok");
    expect(response).toEqual({ you: { id: expect.any(String), name: "Ada", role: "member" }, recent: [] });
  });

  test("a refused join says why", async () => {
    const channel = connect("Ada").channel("room:private", {});
    expect(await answer(channel.join())).toEqual({
      status: "error",
      response: { reason: "not_a_member", message: "You are not a member of this room." },
    });
    await answer(channel.leave()); // the official client retries until it is told to stop
  });

  test("a topic that no channel serves is unmatched", async () => {
    const channel = connect("Ada").channel("nothing:here", {});
    expect(await answer(channel.join())).toEqual({ status: "error", response: { reason: "unmatched topic" } });
    await answer(channel.leave());
  });

  test("a message is answered and reaches both clients, before the answer at its sender", async () => {
    const ada = await joined(connect("Ada"), "talk");
    const grace = await joined(connect("Grace"), "talk");
    const order: string[] = [];
    ada.on("message_created", () => order.push("broadcast"));
    const seen = next(grace, "message_created");
    const { status, response } = await answer(ada.push("send_message", { body: "hello" }));
    order.push("reply");
    expect(status).toBe("ok");
    expect(response).toEqual({ id: expect.any(String), sent_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) });
    expect(await seen).toMatchObject({ id: response.id, body: "hello", author: { name: "Ada" }, mentions: [], reactions: {} });
    expect(order).toEqual(["broadcast", "reply"]);
  });

  test("what was said before is in the reply of a later join, oldest first", async () => {
    const ada = await joined(connect("Ada"), `past ${name}`);
    await answer(ada.push("send_message", { body: "one" }));
    await answer(ada.push("send_message", { body: "two" }));
    const { response } = await answer(connect("Grace").channel(`room:past ${name}`, {}).join());
    expect(response.recent.map((message: { body: string }) => message.body)).toEqual(["one", "two"]);
  });

  test("the sixth message within a second is told to slow down, and the channel lives", async () => {
    const ada = await joined(connect("Ada"), "fast");
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => answer(ada.push("send_message", { body: `${n}` }))));
    expect(answers.map(({ status }) => status)).toEqual(["ok", "ok", "ok", "ok", "ok", "error"]);
    expect(answers[5]?.response).toEqual({ reason: "slow_down", message: "Too many messages.", retry_after_ms: expect.any(Number) });
    expect(await answer(ada.push("set_typing", { active: true }))).toEqual({ status: "ok", response: {} });
  });

  test("an invalid payload and an unknown event are error replies, and the channel lives", async () => {
    const ada = await joined(connect("Ada"), "errors");
    expect(await answer(ada.push("send_message", { body: "" }))).toEqual({
      status: "error",
      response: { reason: "invalid_payload", path: "/body", message: expect.any(String) },
    });
    expect(await answer(ada.push("dance", {}))).toEqual({ status: "error", response: { reason: "unknown_event" } });
    expect((await answer(ada.push("send_message", { body: "still here" }))).status).toBe("ok");
  });

  test("presence shows who is here, who comes, who types and who goes", async () => {
    const ada = connect("Ada").channel(`room:people ${name}`, {});
    const presence = new client.Presence(ada);
    const events: string[] = [];
    presence.onJoin((_, current, joined) => events.push(`${current === undefined ? "join" : "update"} ${joined.metas[0].name} ${joined.metas[0].typing}`));
    presence.onLeave((_, current, left) => events.push(`${current.metas.length === 0 ? "leave" : "update of"} ${left.metas[0].name}`));
    const people = () => presence.list((_, entry) => entry.metas[0].name).sort();
    const synced = (names: string[]) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (JSON.stringify(people()) === JSON.stringify(names)) resolve();
        };
        presence.onSync(check);
        check();
      });
    await answer(ada.join());
    await synced(["Ada"]);
    const graceSocket = connect("Grace");
    const grace = await joined(graceSocket, `people ${name}`);
    await synced(["Ada", "Grace"]);
    await answer(grace.push("set_typing", { active: true }));
    await expect.poll(() => events).toContain("update Grace true");
    if (over === WebSocket) graceSocket.disconnect();
    else await answer(grace.leave()); // over long-polling it takes the server 15 s to notice that a client is gone
    await synced(["Ada"]);
    expect(events[0]).toBe("join Ada false");
    expect(events).toContain("join Grace false");
    expect(events.at(-1)).toBe("leave Grace");
  });

  test("a client leaves and comes back", async () => {
    const socket = connect("Ada");
    const first = await joined(socket, "again");
    expect((await answer(first.leave())).status).toBe("ok");
    const second = await joined(socket, "again");
    expect((await answer(second.push("send_message", { body: "back" }))).status).toBe("ok");
  });

  test("joining a topic twice closes the first channel and serves the second", async () => {
    const socket = connect("Ada");
    await joined(socket, "twice");
    const second = await joined(socket, "twice");
    expect((await answer(second.push("set_typing", { active: false }))).status).toBe("ok");
  });

  test("a client without a valid name is refused", async () => {
    const refused = new Promise<void>((resolve) => connect("").onError(() => resolve()));
    await refused;
  });

  test("after a restart of the server the client is back in its room by itself", async () => {
    // One of its own: that of the others would wait for the sessions that they have left behind.
    let server = await ChatServer.start();
    const ada = await joined(connect("Ada", {}, server), "restart");
    expect(await server.stop()).toBe(0);
    await expect.poll(() => ada.state).not.toBe("joined"); // or it would be the old membership that the test finds
    server = await ChatServer.start(server);
    await expect.poll(() => ada.state, { timeout: 20_000 }).toBe("joined");
    expect((await answer(ada.push("send_message", { body: "after the restart" }))).status).toBe("ok");
    expect(await server.stop()).toBe(0);
  });
});

test("heartbeats are answered", async () => {
  client = phoenix;
  transport = WebSocket; // over long-polling the client sends none
  const socket = connect("Ada", { heartbeatIntervalMs: 50 });
  const beats = new Promise<void>((resolve) => {
    let replies = 0;
    socket.onMessage(({ topic, event, payload }) => {
      if (topic !== "phoenix" || event !== "phx_reply" || payload.status !== "ok") return;
      replies += 1;
      if (replies === 3) resolve();
    });
  });
  await beats;
  expect(socket.isConnected()).toBe(true);
});
