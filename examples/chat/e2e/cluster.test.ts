// Three chats over one Redis behind a proxy that gives each connection to the next: for its clients they are one chat.
import { spawn, type ChildProcess } from "node:child_process";
import { connect as dial, createServer, type AddressInfo, type Server, type Socket as Connection } from "node:net";
import { Presence, Socket as PhoenixSocket, type Channel, type Push } from "phoenix";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Socket, room, type Message } from "../web/chat.gen";
import { ChatServer } from "./chat-server";

const nodes: ChatServer[] = [];
const closers: (() => void)[] = [];
let redis: ChildProcess;
let redisPort: number;
let proxy: RoundRobin;

/** A TCP proxy that gives each connection to the next node that can be reached. */
class RoundRobin {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #next = 0;

  constructor() {
    this.#server = createServer((client) => this.#carry(client, nodes.length));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/socket`;
  }

  #carry(client: Connection, tries: number): void {
    const node = new URL(nodes[this.#next++ % nodes.length]!.url);
    const upstream = dial(Number(node.port), node.hostname);
    let open = false;
    upstream.once("connect", () => {
      open = true;
      client.pipe(upstream).pipe(client);
      client.once("close", () => upstream.destroy());
    });
    upstream.once("close", () => (open || tries === 0 ? client.destroy() : this.#carry(client, tries - 1)));
    upstream.on("error", () => {});
    client.on("error", () => {});
    this.#connections.add(client);
    client.once("close", () => this.#connections.delete(client));
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
  }
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function startRedis(): Promise<void> {
  redisPort = await freePort();
  redis = spawn("redis-server", ["--port", `${redisPort}`, "--bind", "127.0.0.1", "--save", ""], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    redis.once("error", reject);
    redis.stdout!.on("data", (chunk: Buffer) => chunk.toString().includes("Ready to accept connections") && resolve());
  });
}

const pubsub = () => ["-pubsub", `redis://127.0.0.1:${redisPort}`];

beforeAll(async () => {
  await startRedis();
  for (let i = 0; i < 3; i++) nodes.push(await ChatServer.start(undefined, pubsub()));
  proxy = new RoundRobin();
  await proxy.listen();
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
});
afterAll(async () => {
  proxy.close();
  for (const node of nodes) expect(await node.stop()).toBe(0);
  redis.kill("SIGKILL");
});

function answer(push: Push): Promise<{ status: string; response: any }> {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) push.receive(status, (response) => resolve({ status, response }));
  });
}

/** A member who uses Phoenix's own client. Each gets the next node. */
async function phoenix(name: string, id: string): Promise<{ channel: Channel; presence: Presence; heard: string[]; recent: string[] }> {
  const socket = new PhoenixSocket(proxy.url, { transport: WebSocket, params: { name } });
  socket.connect();
  closers.push(() => socket.disconnect());
  const channel = socket.channel(`room:${id}`, {});
  const presence = new Presence(channel);
  const heard: string[] = [];
  channel.on("message_created", ({ body }) => heard.push(body));
  const { status, response } = await answer(channel.join());
  expect(status).toBe("ok");
  return { channel, presence, heard, recent: response.recent.map((message: Message) => message.body) };
}

/** A member who uses the generated client. */
async function generated(name: string, id: string) {
  const socket = new Socket(proxy.url, { params: { name }, WebSocket: WebSocket as never });
  closers.push(() => socket.disconnect());
  const lobby = socket.channel(room, { room_id: id }, {});
  const heard: string[] = [];
  const rejoins: boolean[] = [];
  lobby.on("message_created", ({ body }) => heard.push(body));
  socket.connect();
  await lobby.join({ onRejoin: ({ recovered }) => rejoins.push(recovered) });
  return { lobby, heard, rejoins };
}

test("Phoenix's own clients at three nodes talk, see each other, and are told what was said before", async () => {
  const members: Awaited<ReturnType<typeof phoenix>>[] = [];
  for (const name of ["Ada", "Grace", "Edsger"]) members.push(await phoenix(name, "talk"));
  for (const [i, { channel }] of members.entries()) {
    expect((await answer(channel.push("send_message", { body: `from ${i}` }))).status).toBe("ok");
  }
  for (const { heard, presence } of members) {
    await expect.poll(() => heard).toEqual(["from 0", "from 1", "from 2"]);
    const people = () => presence.list((_, entry) => entry.metas[0].name).sort();
    await expect.poll(people, { timeout: 10_000 }).toEqual(["Ada", "Edsger", "Grace"]);
  }
  for (let i = 0; i < 3; i++) {
    const { recent } = await phoenix("Late", "talk");
    expect(recent).toEqual(["from 0", "from 1", "from 2"]);
  }
});

test("generated clients whose node is killed recover at another", { timeout: 60_000 }, async () => {
  const members: Awaited<ReturnType<typeof generated>>[] = [];
  for (const name of ["Ada", "Grace", "Edsger"]) members.push(await generated(name, "kill"));
  const said: string[] = [];
  const say = async (who: number, body: string) => {
    const sent = await members[who]!.lobby.tryPush("send_message", { body });
    if (sent.ok) said.push(body);
  };
  await say(0, "before");
  for (const { heard } of members) await expect.poll(() => heard).toEqual(["before"]);

  await nodes[0]!.kill();
  const away = () => members.findIndex(({ lobby }) => lobby.state !== "joined");
  await expect.poll(away, { interval: 5 }).not.toBe(-1);
  const gone = away();
  for (const i of [0, 1, 2]) if (i !== gone) await say(i, `while ${gone} is away`);
  expect(said.length).toBe(3);
  for (const { heard } of members) await expect.poll(() => heard, { timeout: 30_000 }).toEqual(said);
  const rejoins = members.flatMap(({ rejoins }) => rejoins);
  expect(rejoins).toEqual([true]);

  nodes[0] = await ChatServer.start(nodes[0], pubsub());
  const late = await phoenix("Late", "kill");
  await say(1, "after");
  await expect.poll(() => late.heard).toEqual(["after"]);
});
