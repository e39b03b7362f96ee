// The official phoenix client in a real browser, bundled as applications do, over both transports.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch } from "./browser";
import { ChatServer } from "./chat-server";

let server: ChatServer;
let browser: Browser;
let bundle: string;

beforeAll(async () => {
  const bundled = await build({
    entryPoints: [fileURLToPath(new URL("phoenix-page.ts", import.meta.url))],
    bundle: true,
    format: "iife",
    globalName: "scenario",
    write: false,
  });
  bundle = bundled.outputFiles[0]!.text;
  server = await ChatServer.start();
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  expect(await server.stop()).toBe(0);
});

describe.each(["WebSocket", "LongPoll"] as const)("over %s", (transport) => {
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    page = await browser.newPage();
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(`${server.url}/style.css`); // of the same origin, and with no client of its own
    await page.addScriptTag({ content: bundle });
  });
  afterAll(async () => {
    await page.close();
    expect(problems).toEqual([]);
  });

  test("two clients join, see each other, talk and leave", async () => {
    const seen = await page.evaluate((over) => (window as any).scenario.talk(over), transport);
    expect(seen).toEqual({
      joined: ["ok", "ok"],
      refused: { status: "error", reason: "not_a_member" },
      invalid: { status: "error", reason: "invalid_payload", path: "/body" },
      unknown: { status: "error", reason: "unknown_event" },
      sent: "ok",
      heard: [["Ada", "hello"], ["Ada", "hello"]],
      order: ["broadcast", "reply"],
      here: ["Ada", "Grace"],
      left: "ok",
      stillHere: ["Ada"],
    });
  });

  test("a client is back in its room by itself after a restart", async () => {
    await page.evaluate((over) => (window as any).scenario.stay(over), transport);
    const state = () => page.evaluate(() => (window as any).scenario.state());
    expect(await server.stop()).toBe(0);
    await expect.poll(state).not.toBe("joined"); // or it would be the old membership that the test finds
    server = await ChatServer.start(server);
    await expect.poll(state, { timeout: 20_000 }).toBe("joined");
    expect(await page.evaluate(() => (window as any).scenario.say("after the restart"))).toBe("ok");
  });
});
