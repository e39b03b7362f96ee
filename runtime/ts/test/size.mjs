// Bundles clients as applications do and prints what they weigh, minified and gzipped, beside phoenix.js. Fails where
// one has outgrown its limit.
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));

const clients = [
  {
    name: "core: WebSocket, channels, typed errors, recovery",
    code: `export { $Socket } from "./runtime/ts/src/socket.ts"; export { ChannelError } from "./runtime/ts/src/errors.ts";`,
    limit: 6_144,
  },
  { name: "client of the chat", code: `export { Socket, room, ChannelError } from "./testdata/typescript/chat.gen.ts";`, limit: 8_300 },
  { name: "everything", code: `export * from "./testdata/typescript/kitchen.gen.ts";`, limit: 8_300 },
  { name: "phoenix.js", code: `export { Socket, Presence } from "phoenix";` },
];

for (const { name, code, limit } of clients) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: root, loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  const over = limit !== undefined && bytes > limit;
  console.log(`${String(bytes).padStart(6)} bytes${limit ? ` of ${limit}` : ""}  ${name}${over ? ": TOO LARGE" : ""}`);
  if (over) process.exitCode = 1;
}
