// Bundles clients as applications do and prints what they weigh, minified and gzipped, beside phoenix.js and
// socket.io-client. Fails where one has outgrown its limit, and where README.md or docs/client.md say something else.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const { devDependencies: versions } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
const root = fileURLToPath(new URL("../../..", import.meta.url));
const kitchen = "./testdata/typescript/kitchen.gen.ts";

// What a page can use of a module: all but the fake socket, which is for tests.
const names = [...readFileSync(`${root}/${kitchen}`, "utf8").matchAll(/^export (?:const|class|function) (\w+)/gm)]
  .map(([, name]) => name)
  .filter((name) => name !== "fakeSocket");

const clients = [
  {
    name: "the core: WebSocket, channels, typed errors, recovery",
    code: `export { $Socket } from "./runtime/ts/src/socket.ts"; export { ChannelError } from "./runtime/ts/src/errors.ts";`,
    limit: 6_144,
  },
  { name: "the chat's client, with presence", code: `export { Socket, room, ChannelError } from "./testdata/typescript/chat.gen.ts";`, limit: 8_300 },
  {
    name: "and long-polling",
    code: `export { Socket, room, ChannelError, longPoll } from "./testdata/typescript/chat.gen.ts";`,
    limit: 8_300,
  },
  { name: "everything but the fake socket", code: `export { ${names.join()} } from "${kitchen}";`, limit: 8_300 },
  { name: "the fake socket too", code: `export * from "${kitchen}";` },
  { name: `phoenix.js ${versions.phoenix}`, code: `export { Socket, Presence } from "phoenix";` },
  { name: `socket.io-client ${versions["socket.io-client"]}`, code: `export { io } from "socket.io-client";` },
];

const sizes = [];
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
  sizes.push({ name, kilobytes: (bytes / 1_000).toFixed(1) });
  const over = limit !== undefined && bytes > limit;
  console.log(`${String(bytes).padStart(6)} bytes${limit ? ` of ${limit}` : ""}  ${name}${over ? ": TOO LARGE" : ""}`);
  if (over) process.exitCode = 1;
}

const expect = (path, row) => {
  if (readFileSync(`${root}/${path}`, "utf8").includes(`\n${row}\n`)) return;
  console.log(`${path} should say: ${row}`);
  process.exitCode = 1;
};
const stated = sizes.filter(({ name }) => name !== "the fake socket too");
for (const { name, kilobytes } of stated) expect("docs/client.md", `| ${name} | ${kilobytes} |`);
expect("README.md", `| ${stated.slice(1).map(({ kilobytes }) => `${kilobytes} KB`).join(" | ")} |`);
