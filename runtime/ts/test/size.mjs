// Bundles clients as applications do and prints what they weigh, minified and gzipped, beside phoenix.js and
// socket.io-client. Fails where one has outgrown its limit.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const kitchen = "./testdata/typescript/kitchen.gen.ts";

// What a page can use of a module: all but the fake socket, which is for tests.
const names = [...readFileSync(`${root}/${kitchen}`, "utf8").matchAll(/^export (?:const|class|function) (\w+)/gm)]
  .map(([, name]) => name)
  .filter((name) => name !== "fakeSocket");

const clients = [
  {
    name: "core: WebSocket, channels, typed errors, recovery",
    code: `export { $Socket } from "./runtime/ts/src/socket.ts"; export { ChannelError } from "./runtime/ts/src/errors.ts";`,
    limit: 6_144,
  },
  { name: "client of the chat", code: `export { Socket, room, ChannelError } from "./testdata/typescript/chat.gen.ts";`, limit: 8_300 },
  {
    name: "client of the chat that falls back to long-polling",
    code: `export { Socket, room, ChannelError, longPoll } from "./testdata/typescript/chat.gen.ts";`,
    limit: 8_300,
  },
  { name: "everything", code: `export { ${names.join()} } from "${kitchen}";`, limit: 8_300 },
  { name: "everything and the fake socket", code: `export * from "${kitchen}";` },
  { name: "phoenix.js", code: `export { Socket, Presence } from "phoenix";` },
  { name: "socket.io-client", code: `export { io } from "socket.io-client";` },
];

for (const { name, code, limit } of clients) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: root, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
  });
  const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  const over = limit !== undefined && bytes > limit;
  console.log(`${String(bytes).padStart(6)} bytes${limit ? ` of ${limit}` : ""}  ${name}${over ? ": TOO LARGE" : ""}`);
  if (over) process.exitCode = 1;
}
