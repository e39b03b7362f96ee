// The hooks with React 19 in Chromium, against the chat's server.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { room, Socket } from "../web/chat.gen";
import { bundle, launch, open, type Sent } from "./browser";
import { ChatServer } from "./chat-server";
import type { Wanted } from "./react-page";

let server: ChatServer;
let browser: Browser;
let script: string;
const problems: string[] = [];

beforeAll(async () => {
  [server, browser, script] = await Promise.all([ChatServer.start(), launch(), bundle("react-page.ts")]);
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  expect(problems.splice(0)).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

const sent: Sent[] = [];

async function visit(): Promise<Page> {
  sent.length = 0;
  const page = await open(browser, server.url, problems, sent);
  await page.addScriptTag({ content: script });
  return page;
}

async function show(page: Page, wanted: Wanted): Promise<void> {
  await page.evaluate((wanted) => window.reactPage.show(wanted), wanted);
}

async function shows(page: Page, id: string, text: string): Promise<void> {
  await expect.poll(() => page.locator(`#${id}`).textContent(), { timeout: 10_000 }).toBe(text);
}

/** The joins and leaves that went over the wire since the last call. */
function moves(): string[] {
  return sent.splice(0).filter(({ event }) => event === "phx_join" || event === "phx_leave").map(({ topic, event }) => `${event} ${topic}`);
}

/** Somebody else in the room, outside the browser. */
async function visitor(name: string, id: string) {
  const socket = new Socket(server.socketURL, { params: { name }, WebSocket });
  const channel = socket.channel(room, { room_id: id });
  await channel.join({ onRejoin() {} });
  return { socket, channel };
}

test("in StrictMode a mount joins once, and an unmount leaves nobody behind", async () => {
  const page = await visit();
  const { socket, channel } = await visitor("Grace", "strict");
  const people = () => channel.presence.list().map(({ metas }) => metas[0]?.name).sort();
  try {
    for (let n = 1; n <= 2; n++) {
      await show(page, { name: "Ada", room: "strict" });
      await shows(page, "channel", "joined room:strict");
      await shows(page, "people", "Ada,Grace");
      await show(page, { name: null });
      await expect.poll(people).toEqual(["Grace"]);
      // The leave may go out, or the connection ends before.
      await expect.poll(() => moves().filter((move) => move.startsWith("phx_join"))).toEqual(["phx_join room:strict"]);
    }
    expect(await page.evaluate(() => window.reactPage.notes)).toEqual(["join Ada false", "join Ada false"]);
  } finally {
    socket.disconnect();
  }
});

test("in StrictMode a mount on an open connection joins once, and its unmount leaves once", async () => {
  const page = await visit();
  await show(page, { name: "Ada", lobby: false });
  await shows(page, "socket", "open");
  for (let n = 1; n <= 3; n++) {
    await show(page, { name: "Ada", room: "mounts" });
    await shows(page, "channel", "joined room:mounts");
    await show(page, { name: "Ada", lobby: false });
  }
  await show(page, { name: "Ada", room: "end" });
  await shows(page, "channel", "joined room:end");
  const mount = ["phx_join room:mounts", "phx_leave room:mounts"];
  await expect.poll(() => sent.length).toBe(7);
  expect(moves()).toEqual([...mount, ...mount, ...mount, "phx_join room:end"]);
});

test("a membership ends and begins with its topic and its params, and not with a render", async () => {
  const page = await visit();
  await show(page, { name: "Ada", room: "one" });
  await shows(page, "channel", "joined room:one");
  for (let again = 1; again <= 3; again++) await show(page, { name: "Ada", room: "one", again });
  await show(page, { name: "Ada", room: "two" });
  await shows(page, "channel", "joined room:two");
  await show(page, { name: "Ada", room: "two", since: "2030-01-01T00:00:00Z" });
  await expect.poll(() => page.evaluate(() => window.reactPage.notes.length)).toBe(3);
  await show(page, { name: "Ada", room: null });
  await shows(page, "channel", "closed");
  await shows(page, "people", "");
  await show(page, { name: "Ada", room: "one" });
  await shows(page, "channel", "joined room:one");
  expect(moves()).toEqual([
    "phx_join room:one",
    "phx_leave room:one",
    "phx_join room:two",
    "phx_leave room:two",
    "phx_join room:two",
    "phx_leave room:two",
    "phx_join room:one",
  ]);
  expect(await page.evaluate(() => window.reactPage.notes)).toEqual(Array(4).fill("join Ada false"));
});

test("an event reaches the callback of the last render, once, and a push keeps its function", async () => {
  const page = await visit();
  const { socket, channel } = await visitor("Grace", "events");
  try {
    await show(page, { name: "Ada", room: "events", prefix: "a" });
    await shows(page, "people", "Ada,Grace");
    await channel.push("send_message", { body: "1" });
    await shows(page, "messages", "a1");
    await show(page, { name: "Ada", room: "events", prefix: "b" });
    const before = await page.evaluate(() => window.reactPage.senders());
    await show(page, { name: "Ada", room: "events", prefix: "c" });
    expect(await page.evaluate(() => window.reactPage.send("2"))).toBe("ok");
    await shows(page, "messages", "a1,c2");
    expect(await page.evaluate(() => window.reactPage.senders())).toBe(before);
    await show(page, { name: "Ada", room: null });
    await shows(page, "channel", "closed");
    expect(await page.evaluate(() => window.reactPage.send("3"))).toBe("left");
  } finally {
    socket.disconnect();
  }
});

test("a refusal of the join is shown, final, and can be tried again", async () => {
  const page = await visit();
  await show(page, { name: "Ada", room: "private" });
  await shows(page, "channel", "closed not_a_member room:private");
  await page.locator("#retry").click();
  await expect.poll(() => sent.filter(({ event }) => event === "phx_join").length).toBe(2);
  await shows(page, "channel", "closed not_a_member room:private");
  await show(page, { name: "Ada", room: "public" });
  await shows(page, "channel", "joined room:public");
});

test("a refusal of the connection is shown, and other params bring socket and channel back", async () => {
  const page = await visit();
  await show(page, { name: "n".repeat(41), room: "refused" });
  await shows(page, "socket", "refused name must have 1 to 40 characters");
  await shows(page, "channel", "closed disconnected room:refused");
  moves(); // the server accepts a connection to say why it refuses it, so a join may have gone out
  await show(page, { name: "Ada", room: "refused" });
  await shows(page, "channel", "joined room:refused");
  await shows(page, "socket", "open");
  expect(moves()).toEqual(["phx_join room:refused"]);
});

test("new params are renewed on the connection that is there, once", async () => {
  const page = await visit();
  await show(page, { name: "Ada", room: "renewed" });
  await shows(page, "channel", "joined room:renewed");
  await show(page, { name: "Ada", room: "renewed", again: 1 });
  await show(page, { name: "Eve", room: "renewed" });
  await show(page, { name: "Eve", room: "renewed", again: 2 });
  await expect.poll(() => sent.map(({ event }) => event)).toEqual(["phx_join", "chgen_params"]);
  await shows(page, "socket", "open");
});

test("new params that the connection could not take are an error until the next", async () => {
  const page = await visit();
  await page.addScriptTag({
    content: `
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (data) {
        const [, ref, topic, event] = JSON.parse(data);
        if (event !== "chgen_params") return send.call(this, data);
        const reply = { status: "error", response: { reason: "rate_limited" } };
        this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify([null, ref, topic, "phx_reply", reply]) }));
      };`,
  });
  await show(page, { name: "Ada", room: "renewed" });
  await shows(page, "channel", "joined room:renewed");
  await show(page, { name: "Eve", room: "renewed" });
  await shows(page, "socket", "open renew: rate_limited");
  await server.stop();
  server = await ChatServer.start(server);
  await shows(page, "socket", "open");
});

test("another auth token serves from the next connection on, and is tried at once after a refusal", async () => {
  const page = await visit();
  const tokens = () => page.evaluate(() => window.reactPage.notes.filter((note) => note.startsWith("token")).slice(-2));
  await show(page, { name: "Ada", room: "tokens", token: "one" });
  await shows(page, "channel", "joined room:tokens");
  await show(page, { name: "Ada", room: "tokens", token: "two" });
  await server.stop();
  server = await ChatServer.start(server);
  await expect.poll(tokens).toEqual(["token one", "token two"]);
  await show(page, { name: "n".repeat(41), room: "tokens", token: "two" });
  await shows(page, "socket", "refused name must have 1 to 40 characters");
  await show(page, { name: "n".repeat(41), room: "tokens", token: "three" });
  await expect.poll(tokens).toEqual(["token two", "token three"]);
});

test("the hooks follow a restart of the server", async () => {
  const page = await visit();
  await show(page, { name: "Ada", room: "restart" });
  await shows(page, "people", "Ada");
  await server.stop();
  await expect.poll(() => page.locator("#socket").textContent()).toMatch(/^reconnecting/);
  await shows(page, "channel", "errored room:restart");
  await shows(page, "people", "Ada");
  server = await ChatServer.start(server);
  await shows(page, "channel", "joined room:restart");
  expect(await page.evaluate(() => window.reactPage.send("back"))).toBe("ok");
  await shows(page, "messages", "back");
  expect(await page.evaluate(() => window.reactPage.notes)).toEqual(["join Ada false", "join Ada false"]);
});
