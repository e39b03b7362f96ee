// The npm package as people get it: packed, installed into a project of its own, type-checked, bundled and run.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocketServer } from "ws";

const execute = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const modules = join(root, "node_modules");
const project = mkdtempSync(join(tmpdir(), "package-"));
let tarball: string;
let server: WebSocketServer;

/** What an application says and then does; the test wraps it for Node and for Vite. */
const application = `
import { document, Socket, type ChannelState } from "./client";

export async function run(url: string, options: { readonly WebSocket?: typeof WebSocket }): Promise<string> {
  const socket = new Socket(url, { params: { token: "t" }, ...options });
  const channel = socket.channel(document);
  const states: ChannelState[] = [];
  channel.onState((state) => states.push(state));
  await channel.join({ onRejoin() {} });
  await channel.leave();
  socket.disconnect();
  return states.join();
}
`;

beforeAll(async () => {
  const { stdout } = await execute("npm", ["pack", "--silent", "--pack-destination", project], { cwd: join(root, "runtime/ts") });
  tarball = join(project, stdout.trim());
  writeFileSync(join(project, "package.json"), `{ "name": "project", "private": true, "type": "module" }\n`);
  await execute("npm", ["install", "--offline", "--silent", "--no-audit", "--no-fund", tarball], { cwd: project });
  symlinkSync(join(modules, "ws"), join(project, "node_modules/ws"));
  const client = readFileSync(join(root, "testdata/typescript/shared.gen.ts"), "utf8");
  writeFileSync(join(project, "client.ts"), client.replaceAll(`from "./chat.gen"`, `from "@chgen/runtime"`));
  writeFileSync(join(project, "application.ts"), application);

  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) =>
    socket.on("message", (data) => {
      const [joinRef, ref, topic] = JSON.parse(String(data)) as [string, string, string];
      socket.send(JSON.stringify([joinRef, ref, topic, "phx_reply", { status: "ok", response: {} }]));
    }),
  );
}, 60_000);
afterAll(() => {
  server.close();
  rmSync(project, { recursive: true });
});

const url = () => `ws://127.0.0.1:${(server.address() as AddressInfo).port}/socket`;
const states = "joining,joined,leaving,closed\n";

test("publint and are-the-types-wrong find nothing in it", async () => {
  const tool = (name: string, ...args: string[]) => execute(process.execPath, [join(modules, name), ...args], { cwd: project });
  expect((await tool("publint/src/cli.js", tarball, "--strict")).stdout).toContain("All good!");
  // There is no CommonJS in it, on purpose.
  await tool("@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "esm-only");
}, 30_000);

test.each(["typescript", "typescript-5.9"])("a client that names it as its runtime compiles with %s", async (compiler) => {
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { types: [], skipLibCheck: false },
    files: [join(project, "application.ts")],
  };
  const path = join(project, `tsconfig.${compiler}.json`);
  writeFileSync(path, JSON.stringify(config));
  await execute(process.execPath, [join(modules, compiler, "bin/tsc"), "-p", path]);
}, 30_000);

test("it works in Node, with the WebSocket of a package", async () => {
  const dir = join(project, "node");
  mkdirSync(dir);
  for (const name of ["client", "application"]) {
    const source = readFileSync(join(project, `${name}.ts`), "utf8").replace(`"./client"`, `"./client.js"`);
    writeFileSync(join(dir, `${name}.js`), (await transform(source, { loader: "ts" })).code);
  }
  const main = `import { WebSocket } from "ws"; import { run } from "./application.js"; console.log(await run(${JSON.stringify(url())}, { WebSocket }));`;
  writeFileSync(join(dir, "main.js"), main);
  expect((await execute(process.execPath, [join(dir, "main.js")])).stdout).toBe(states);
}, 30_000);

test("Vite bundles it, without what is not used", async () => {
  const outDir = join(project, "bundle");
  const main = `import { run } from "./application"; run(process.argv[2], {}).then(console.log);`;
  writeFileSync(join(project, "main.ts"), main);
  await build({
    root: project,
    logLevel: "silent",
    build: { outDir, minify: false, target: "es2022", rollupOptions: { input: join(project, "main.ts"), output: { entryFileNames: "main.mjs" } } },
  });
  expect(readdirSync(outDir)).toEqual(["main.mjs"]);
  const bundle = readFileSync(join(outDir, "main.mjs"), "utf8");
  expect(bundle).toContain("phx_join");
  expect(bundle).not.toContain("no binary frame");
  const global = `import { WebSocket } from "ws"; globalThis.WebSocket = WebSocket;`;
  const preload = join(project, "global.mjs");
  writeFileSync(preload, global);
  expect((await execute(process.execPath, ["--import", preload, join(outDir, "main.mjs"), url()])).stdout).toBe(states);
}, 30_000);
