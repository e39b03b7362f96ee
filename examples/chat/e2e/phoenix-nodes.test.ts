// Phoenix's own client over long-polling, unmodified, through a balancer that sends each request to another of two nodes.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LongPoll, Presence, Socket, type Channel, type Push } from "phoenix";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
let peer: ChildProcess;
let url: string;
const sockets: Socket[] = [];
let lost = 0; // sessions

beforeAll(async () => {
  const binary = join(mkdtempSync(join(tmpdir(), "peer-")), "peer");
  execFileSync("go", ["build", "-o", binary, "./internal/peer"], { cwd: root, stdio: "inherit" });
  peer = spawn(binary, ["-addr", "127.0.0.1:0", "-nodes", "2"], { stdio: ["ignore", "pipe", "ignore"] });
  url = await new Promise<string>((resolve) => {
    peer.stdout?.on("data", (chunk: Buffer) => resolve(/http:\/\/\S+/.exec(chunk.toString())?.[0] ?? ""));
  });
});
afterEach(() => {
  expect(lost).toBe(0);
  for (const socket of sockets.splice(0)) socket.disconnect();
});
afterAll(async () => {
  const exit = new Promise((resolve) => peer.once("exit", resolve));
  peer.kill("SIGINT");
  expect(await exit).toBe(0);
});

function ok(push: Push): Promise<any> {
  return new Promise((resolve, reject) => {
    push.receive("ok", resolve);
    for (const status of ["error", "timeout"]) push.receive(status, (response) => reject(new Error(`${status}: ${JSON.stringify(response)}`)));
  });
}

/** Joins a topic, on a session of its own. */
async function joined(topic: string, params: object = {}, before = (_: Channel): void => {}): Promise<Channel> {
  const socket = new Socket(url.replace("http", "ws") + "/socket", { transport: LongPoll });
  sockets.push(socket);
  socket.onError(() => lost++);
  socket.connect();
  const channel = socket.channel(topic, params);
  before(channel);
  await ok(channel.join());
  return channel;
}

test("pushes are answered, and broadcasts come in order", async () => {
  const [a, b] = await Promise.all([joined("room:nodes"), joined("room:nodes")]);
  const heard: number[] = [];
  const all = new Promise<void>((resolve) => b.on("shouted", ({ n }: { n: number }) => heard.push(n) === 40 && resolve()));
  for (let n = 0; n < 40; n++) await ok(a.push("shout", { n }));
  await all;
  expect(heard).toEqual(Array.from({ length: 40 }, (_, n) => n));
});

test("everybody sees who is here", async () => {
  const seen = (key: string): Promise<void> =>
    new Promise((resolve, reject) => {
      joined("presence:nodes", { key }, (channel) => {
        const who = new Presence(channel);
        who.onSync(() => who.list((key: string) => key).sort().join() === "a,b,c" && resolve());
      }).catch(reject);
    });
  await Promise.all(["a", "b", "c"].map(seen));
});
