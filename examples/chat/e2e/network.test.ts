// The generated client in Chromium while the network and the server do their worst. Whatever happens, the application
// sees no message twice, none out of order, and either all of them or a rejoin that says that some may be missing.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { room, Socket } from "../web/chat.gen";
import { bundle, launch, open } from "./browser";
import { ChatServer } from "./chat-server";
import type { Seen, Settings } from "./network-page";
import { Proxy } from "./proxy";

let server: ChatServer;
let proxy: Proxy;
let browser: Browser;
let script: string;
let last: number;
const problems: string[] = [];

beforeAll(async () => {
  [server, browser, script] = await Promise.all([ChatServer.start(), launch(), bundle("network-page.ts")]);
});
beforeEach(async () => {
  last = 0;
  proxy = await Proxy.start(server.url);
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await proxy.stop();
  expect(problems.splice(0)).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** A page that has joined; with a clock, the test moves its time on. */
async function visit(settings: Settings, clock = false): Promise<Page> {
  const page = await open(browser, proxy.url, problems);
  if (clock) await page.clock.install();
  await page.addScriptTag({ content: script });
  await page.evaluate((settings) => window.networkPage.start(settings), settings);
  return page;
}

/** Somebody else says the next count numbers, five for each connection, which is what the room takes in a second. */
async function say(id: string, count: number): Promise<void> {
  for (const end = last + count; last < end; ) {
    const socket = new Socket(server.socketURL, { params: { name: "Grace" }, WebSocket });
    const channel = socket.channel(room, { room_id: id });
    await channel.join({ onRejoin() {} });
    for (let n = 0; n < 5 && last < end; n++) await channel.push("send_message", { body: `${++last}` });
    await channel.leave();
    socket.disconnect();
  }
}

/** Waits until the page has the last number, and holds what it saw on the way to the promise. */
async function complete(page: Page): Promise<void> {
  const seen = () => page.evaluate(() => window.networkPage.seen);
  await expect.poll(async () => latest(await seen()), { timeout: 20_000 }).toBe(last);
  judge(await seen());
}

/** The last number that an application knows of. */
function latest(seen: readonly Seen[]): number {
  return Math.max(0, ...seen.flatMap((each) => ("message" in each ? [each.message] : each.recent)));
}

function judge(seen: readonly Seen[]): void {
  let before: number | undefined;
  let known: readonly number[] = [];
  let newest = 0;
  for (const each of seen) {
    if ("message" in each) {
      expect(each.message, "no duplicate, no reorder").toBeGreaterThan(newest);
      newest = each.message;
      // What the reply of the join had already may follow as an event, too.
      if (known.includes(each.message)) continue;
      if (before !== undefined) expect(each.message, "nothing missing without a signal").toBe(before + 1);
      before = each.message;
    } else if (!each.recovered) {
      known = each.recent;
      before = known.at(-1);
    }
  }
}

/** Tells the page what a browser would; the one under test keeps every tab visible. */
async function turn(page: Page, visibility: "hidden" | "visible"): Promise<void> {
  await page.evaluate((visibility) => {
    Object.defineProperty(document, "visibilityState", { value: visibility, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, visibility);
}

async function state(page: Page, pattern: RegExp): Promise<void> {
  await expect.poll(() => page.evaluate(() => window.networkPage.state()), { timeout: 20_000 }).toMatch(pattern);
}

test("the network goes and comes back", async () => {
  const page = await visit({ room: "offline", timeout: 2_000 });
  await say("offline", 3);
  await complete(page);
  await page.context().setOffline(true);
  proxy.cut();
  await state(page, /^reconnecting/);
  await page.evaluate(() => window.networkPage.push("in vain"));
  expect(await page.evaluate(() => window.networkPage.pushed)).toBe("timeout");
  await say("offline", 3);
  await page.context().setOffline(false);
  await state(page, /^open/);
  await say("offline", 3);
  await complete(page);
});

test("connections break while messages come", async () => {
  const page = await visit({ room: "cuts" });
  for (let n = 0; n < 4; n++) {
    await say("cuts", 3);
    const saying = say("cuts", 5);
    proxy.cut();
    await saying;
    await state(page, /^open.*joined$/);
  }
  await say("cuts", 1);
  await complete(page);
});

test("a push that waits when the connection goes fails at once", async () => {
  const page = await visit({ room: "pushes" });
  proxy.stall();
  await page.evaluate(() => window.networkPage.push("in vain"));
  proxy.cut();
  expect(await page.evaluate(() => window.networkPage.pushed)).toBe("disconnected");
  await state(page, /^open.*joined$/);
  await say("pushes", 1);
  await complete(page);
});

test("the server is restarted", async () => {
  const page = await visit({ room: "restart" });
  await say("restart", 3);
  await complete(page);
  proxy.target = undefined;
  await server.stop();
  await state(page, /^reconnecting/);
  server = await ChatServer.start(server);
  proxy.target = server.url;
  await state(page, /^open.*joined$/);
  await say("restart", 3);
  await complete(page);
});

test("the server is replaced by one that refuses, and by a good one again", async () => {
  const page = await visit({ room: "refused" }, true);
  await say("refused", 3);
  await complete(page);
  const refusing = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(refusing, "listening");
  refusing.on("connection", (socket) => socket.close(4403, "your account is closed"));
  try {
    proxy.target = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    proxy.cut();
    await state(page, /^refused your account is closed/);
    const attempts = proxy.requests.websocket;
    await page.clock.runFor(600_000);
    expect(proxy.requests.websocket).toBe(attempts);
  } finally {
    refusing.close();
  }
  proxy.target = server.url;
  await say("refused", 3);
  await page.evaluate(() => window.networkPage.connect());
  await complete(page);
});

test("a hidden tab comes back to a connection that is dead", async () => {
  // The next heartbeat is far away: coming back has to find out.
  const page = await visit({ room: "sleep", heartbeat: 600_000, timeout: 500 });
  await say("sleep", 3);
  await complete(page);
  await turn(page, "hidden");
  proxy.stall();
  await say("sleep", 3);
  await turn(page, "visible");
  await complete(page);
  expect(await page.evaluate(() => window.networkPage.states)).toEqual(["connecting", "open", "reconnecting", "open"]);
});

test("the machine sleeps for longer than the heartbeat, and nobody says so", async () => {
  const page = await visit({ room: "lid", timeout: 500 }, true);
  await say("lid", 3);
  await complete(page);
  proxy.stall();
  await say("lid", 3);
  await page.clock.fastForward(3_600_000);
  await complete(page);
});

test("1,000 messages come while the tab is hidden", async () => {
  const page = await visit({ room: "hidden" });
  await turn(page, "hidden");
  await say("hidden", 1_000);
  await turn(page, "visible");
  await complete(page);
  const seen = await page.evaluate(() => window.networkPage.seen);
  expect(seen.filter((each) => "message" in each).length).toBe(1_000);
});

test("a proxy lets no WebSocket through: long-polling takes over, and is remembered", async () => {
  proxy.blocksWebSocket = true;
  const page = await visit({ room: "blocked" });
  await say("blocked", 5);
  await complete(page);
  await page.evaluate(() => window.networkPage.push("6"));
  expect(await page.evaluate(() => window.networkPage.pushed)).toBe("ok");
  last++;
  await complete(page);
  const attempts = proxy.requests.websocket;
  proxy.cut();
  await state(page, /^open.*joined$/);
  await say("blocked", 3);
  await complete(page);

  await page.reload();
  await page.addScriptTag({ content: script });
  await page.evaluate((settings) => window.networkPage.start(settings), { room: "blocked" });
  await say("blocked", 3);
  await complete(page);
  expect(proxy.requests.websocket).toBe(attempts);
});

test("a page that goes while it polls is gone for the others at once", async () => {
  proxy.blocksWebSocket = true;
  const page = await visit({ room: "gone" });
  const socket = new Socket(server.socketURL, { params: { name: "Grace" }, WebSocket });
  const channel = socket.channel(room, { room_id: "gone" });
  const people = () => channel.presence.list().map(({ metas }) => metas[0]?.name).sort();
  try {
    await channel.join({ onRejoin() {} });
    await expect.poll(people).toEqual(["Ada", "Grace"]);
    await page.goto("about:blank");
    await expect.poll(people, { timeout: 10_000 }).toEqual(["Grace"]); // its session would end after 15 s
  } finally {
    socket.disconnect();
  }
});
