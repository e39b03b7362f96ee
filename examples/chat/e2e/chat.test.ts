// The chat's page in a real browser: two people, each in a window of their own.
import { type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Socket, room } from "../web/chat.gen";
import { launch } from "./browser";
import { ChatServer } from "./chat-server";

let server: ChatServer;
let browser: Browser;
const problems: string[] = [];

beforeAll(async () => {
  server = await ChatServer.start();
  browser = await launch();
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  expect(problems.splice(0)).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  expect(await server.stop()).toBe(0);
});

/** Opens a window of its own. */
async function visit(address: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`${server.url}/#${address}`);
  return page;
}

async function choose(page: Page, name: string): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join the chat" }).click();
}

/** Opens a window of its own, enters under the name and waits until the room is joined. */
async function enter(name: string, address: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await visit(address, options);
  await choose(page, name);
  await person(page, name).waitFor({ state: "attached" }); // on a phone the people are behind a button
  return page;
}

function person(page: Page, name: string) {
  return page.locator("#people li", { hasText: name });
}

function message(page: Page, text: string) {
  return page.locator(".message", { hasText: text });
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByLabel("Message", { exact: true }).press("Enter");
}

async function connected(page: Page): Promise<void> {
  await page.locator("#connection", { hasText: "Connected" }).waitFor();
}

test("two people see each other and talk", async () => {
  const ada = await enter("Ada", "talk");
  const grace = await enter("Grace", "talk");
  await person(ada, "Grace").waitFor();
  await person(grace, "Ada").waitFor();

  await say(ada, "Hello, Grace");
  await message(grace, "Hello, Grace").waitFor();
  expect(await message(grace, "Hello, Grace").locator("b").textContent()).toBe("Ada");
  expect(await message(grace, "Hello, Grace").locator("time").getAttribute("datetime")).toMatch(/^\d{4}-/);
  await say(grace, "Hello, @Ada <b>bold</b>");
  await ada.locator(".message.mentioned", { hasText: "<b>bold</b>" }).waitFor();
  expect(await ada.locator("#messages .message").count()).toBe(2);
  expect(await ada.locator(".message.mine").count()).toBe(1);

  await grace.context().close();
  await person(ada, "Grace").waitFor({ state: "detached" });
});

test("typing shows to the others and ends with the message", async () => {
  const ada = await enter("Ada", "typing");
  const grace = await enter("Grace", "typing");
  await grace.getByLabel("Message", { exact: true }).pressSequentially("Wel");
  await ada.locator("#typing", { hasText: "Grace is typing…" }).waitFor();
  expect(await grace.locator("#typing").textContent()).toBe("");
  await grace.getByLabel("Message", { exact: true }).press("Enter");
  await message(ada, "Wel").waitFor();
  await expect.poll(() => ada.locator("#typing").textContent()).toBe("");
});

test("what the server refuses is shown, and nothing typed is lost", async () => {
  const ada = await enter("Ada", "errors");
  for (let n = 1; n <= 6; n++) await say(ada, `message ${n}`);
  await ada.locator("#notice", { hasText: "Too fast" }).waitFor();
  expect(await ada.getByLabel("Message", { exact: true }).inputValue()).toBe("message 6");

  await ada.locator("#rooms button", { hasText: "private" }).click();
  await ada.locator("#notice", { hasText: "You are not a member of this room." }).waitFor();
  expect(await ada.locator("#title").textContent()).toBe("#errors");
});

test("a message that the server refuses goes before what has been typed since", async () => {
  const ada = await enter("Ada", "refused-messages");
  const field = ada.getByLabel("Message", { exact: true });
  // All at once, as on a slow connection: no answer comes in between.
  await field.evaluate((element: HTMLTextAreaElement) => {
    for (let n = 1; n <= 7; n++) {
      element.value = `message ${n}`;
      element.form?.requestSubmit();
    }
    element.value = "half a thou";
  });
  await expect.poll(() => field.inputValue()).toBe("message 6\nmessage 7\nhalf a thou");
  await field.pressSequentially("ght");
  expect(await field.inputValue()).toBe("message 6\nmessage 7\nhalf a thought");
});

test.each(["%E0%A4%A", "a:b", "x".repeat(300), "%ED%A0%80"])("the address #%s names no room: here is the lobby", async (address) => {
  const ada = await enter("Ada", address);
  await ada.locator("#notice", { hasText: "No room can have that name." }).waitFor();
  expect(new URL(ada.url()).hash).toBe("#lobby");
  const text = `from ${address.slice(0, 9)}`;
  await say(ada, text);
  await message(ada, text).waitFor();
});

test("a bad address later, or half a letter for a room, leaves the page where it was", async () => {
  const ada = await enter("Ada", "steady");
  const stays = async (): Promise<void> => {
    await ada.locator("#notice", { hasText: "No room can have that name." }).waitFor();
    expect([new URL(ada.url()).hash, await ada.locator("#title").textContent()]).toEqual(["#steady", "#steady"]);
    await ada.getByRole("button", { name: "Dismiss" }).click();
  };
  for (const hash of ["#%", "#a:b", "#" + "x".repeat(300)]) {
    await ada.evaluate((to) => void (location.hash = to), hash);
    await stays();
  }
  await ada.getByLabel("Name of another room").evaluate((field: HTMLInputElement) => {
    field.value = "\ud800x";
    field.form?.requestSubmit();
  });
  await stays();
  await say(ada, "still here");
  await message(ada, "still here").waitFor();
});

test("Escape does not get round the name, but ends a change of it", async () => {
  const ada = await visit("escape");
  const dialog = ada.getByRole("dialog");
  for (let n = 1; n <= 4; n++) {
    await dialog.waitFor();
    await ada.keyboard.press("Escape");
  }
  await choose(ada, "Ada");
  await person(ada, "Ada").waitFor();
  await ada.getByRole("button", { name: "Change name" }).click();
  await dialog.waitFor();
  await ada.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await say(ada, "still Ada");
  await message(ada, "still Ada").waitFor();
});

test("the server's reason stands beside the name that it refuses", async () => {
  const ada = await visit("refused");
  await ada.getByLabel("Your name").evaluate((field) => field.removeAttribute("maxlength"));
  await choose(ada, "n".repeat(41));
  await ada.locator("#welcome-error", { hasText: "name must have 1 to 40 characters" }).waitFor();
  await ada.keyboard.press("Escape");
  await ada.keyboard.press("Escape");
  await choose(ada, "Ada");
  await person(ada, "Ada").waitFor();
  expect(await ada.locator("#title").textContent()).toBe("#refused");
});

test.each([
  ["desktop", { width: 1280, height: 800 }],
  ["phone", { width: 320, height: 568 }],
])("images of any size keep to their bubbles on a %s", async (device, viewport) => {
  const id = `images-${device}`;
  const ada = await enter("Ada", id, { viewport });
  const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><rect width="4" height="3" fill="teal"/></svg>`;
  await ada.route("https://pictures.invalid/*", (route) => route.fulfill({ contentType: "image/svg+xml", body: picture }));
  const socket = new Socket(server.socketURL, { params: { name: "Grace" }, WebSocket });
  try {
    const channel = socket.channel(room, { room_id: id });
    await channel.join({ onRejoin() {} });
    for (const [width, height] of [[400, 300], [1e9, 1e9], [-5, 2 ** 53 - 1], [10, 1e6]] as const) {
      const url = "https://pictures.invalid/p.svg";
      await channel.push("send_message", { body: "Look!", attachment: { type: "image", url, width, height } });
    }
    await ada.locator(".bubble img").nth(3).waitFor({ state: "attached" });
    const sizes = await ada.locator(".bubble").evaluateAll((bubbles) => bubbles.map((each) => [each.clientWidth, each.scrollHeight]));
    for (const [width = 0, height = 0] of sizes) {
      expect(width).toBeLessThan(viewport.width / 2 + 80);
      expect(height).toBeLessThan(viewport.height / 2 + 80);
    }
  } finally {
    socket.disconnect();
  }
});

test("rooms are apart, and one that is not in front counts what is new", async () => {
  const ada = await enter("Ada", "lobby");
  const grace = await enter("Grace", "random");
  await ada.locator("#rooms button", { hasText: "random" }).click();
  await person(ada, "Grace").waitFor();
  await ada.locator("#rooms button", { hasText: "lobby" }).click();
  await person(ada, "Grace").waitFor({ state: "detached" });
  await say(grace, "only in random");
  await ada.locator("#rooms .unread", { hasText: "1" }).waitFor();
  expect(await message(ada, "only in random").count()).toBe(0);
  await ada.locator("#rooms button", { hasText: "random" }).click();
  await message(ada, "only in random").waitFor();
  expect(await ada.locator("#rooms .unread").count()).toBe(0);
});

test("both pages survive a restart of the server by themselves", async () => {
  const ada = await enter("Ada", "restart");
  const grace = await enter("Grace", "restart");
  await say(ada, "before");
  await message(grace, "before").waitFor();

  expect(await server.stop()).toBe(0);
  await ada.locator("#connection", { hasNotText: "Connected" }).waitFor();
  await grace.locator("#connection", { hasNotText: "Connected" }).waitFor();
  server = await ChatServer.start(server);
  await Promise.all([connected(ada), connected(grace)]);
  await Promise.all([person(ada, "Grace").waitFor(), person(grace, "Ada").waitFor()]);
  expect(await ada.locator("#people li").count()).toBe(2);

  await say(grace, "after");
  await message(ada, "after").waitFor();
  expect(await message(ada, "before").count()).toBe(1);
});

test("it fits a phone and follows the dark scheme", async () => {
  const phone = await enter("Ada", "phone", { viewport: { width: 375, height: 667 }, colorScheme: "dark", hasTouch: true, isMobile: true });
  await say(phone, "a-very-long-word-".repeat(20));
  await message(phone, "a-very-long-word-").waitFor();
  const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBe(0);
  await phone.getByRole("button", { name: "Show who is here" }).tap();
  expect(await person(phone, "Ada").isVisible()).toBe(true);
  const background = await phone.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(background).toBe("rgb(19, 23, 22)");
});

test("a room full of people, as the README shows it", async () => {
  const window = { viewport: { width: 1100, height: 680 }, locale: "en-GB" };
  const ada = await enter("Ada", "launch", window);
  const grace = await enter("Grace", "launch", window);
  const edsger = await enter("Edsger", "launch", window);
  const lines: [Page, string][] = [
    [ada, "Good morning! The schema is in, the handlers compile."],
    [grace, "And the client knows every event by name."],
    [grace, "@Ada shall we try a restart of the server?"],
    [ada, "Go ahead: all windows come back by themselves."],
    [edsger, "A push is answered exactly once. I checked."],
  ];
  for (const [page, text] of lines) {
    await say(page, text);
    await message(ada, text).waitFor();
  }
  await grace.getByLabel("Message", { exact: true }).pressSequentially("Restart");
  await ada.locator("#typing", { hasText: "Grace is typing…" }).waitFor();
  const picture = process.env["PICTURE"];
  await ada.screenshot(picture === undefined ? {} : { path: picture });
});
