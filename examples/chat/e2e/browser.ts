// Chromium, and pages of the tests' own at the chat's address.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium, type Browser, type Page } from "playwright-core";

export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? execFileSync("sh", ["-c", "command -v chromium"]).toString().trim(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** A module of this directory as one script for a page. */
export async function bundle(module: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(module, import.meta.url))],
    bundle: true,
    format: "iife",
    target: "es2022",
    define: { "process.env.NODE_ENV": `"development"` },
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/** A frame as it went over the wire. */
export interface Sent {
  readonly topic: string;
  readonly event: string;
}

/** A window of its own with an empty page of origin. What goes wrong in it is added to problems, what it sends to sent. */
export async function open(browser: Browser, origin: string, problems: string[], sent: Sent[] = []): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => {
      const [, , topic, event] = JSON.parse(String(payload)) as [unknown, unknown, string, string];
      if (event !== "heartbeat") sent.push({ topic, event });
    }),
  );
  // Any document of the server's will do; one that the test makes up would not count as local to it.
  await page.goto(`${origin}/style.css`);
  await page.setContent(`<!doctype html><div id="root"></div>`);
  return page;
}
