// Random sequences of what applications, networks and servers do, against a server that knows what it has said. After
// each the promises hold. A failing seed is named; SEED=n replays it, SEEDS=n runs more.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ChannelError } from "../src/errors.ts";
import { longPoll } from "../src/longpoll.ts";
import { $Socket } from "../src/socket.ts";
import type { Channel, ChannelDefinition, SocketOptions } from "../src/types.ts";
import { ModelServer, seeded } from "./model-server.ts";

/** The end of a topic's log as of a join. */
interface Start {
  at: number;
  epoch: number;
}

interface Contract {
  topic: { id: string };
  join: { payload: object; reply: Start; error: { code: "not_a_member" } };
  history: true;
  pushes: { send: { payload: { n: number }; reply: { id: number }; error: { code: "slow_down"; retry_after_ms: number } } };
  events: { created: { n: number; epoch: number } };
}

const room: ChannelDefinition<Contract> = { topic: "room:{id}" };

const steps = 60;

/** An error of the application's own, which is reported and harms nothing else. */
const unread = new Error("a mistake of the application");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** The application's view of one channel, which complains of whatever breaks a promise. */
class View {
  readonly channel: Channel<Contract>;
  readonly topic: string;
  /** Whether the application has joined, or is about to. */
  wanted = false;
  /** The epoch and number of the last event that it knows of. */
  #epoch = 0;
  last = 0;
  #joined = false;

  constructor(channel: Channel<Contract>, mischief: (view: View) => void) {
    this.channel = channel;
    this.topic = channel.topic;
    channel.on("created", () => mischief(this));
    channel.on("created", ({ n, epoch }) => this.#event(n, epoch));
    channel.onState((state) => {
      if (state === "closed") this.#joined = this.wanted = false;
      mischief(this);
    });
  }

  join(options: { readonly timeout?: number; readonly signal?: AbortSignal } = {}): void {
    if (this.wanted || this.channel.state === "leaving") return;
    this.wanted = true;
    const onRejoin = ({ reply, recovered }: { reply: Start; recovered: boolean }): void => {
      if (!recovered) this.#startAt(reply);
      else if (reply.epoch !== this.#epoch) throw new Error(`${this.topic}: recovered from another epoch`);
    };
    void this.channel.tryJoin({ ...options, onRejoin }).then((joined) => joined.ok && this.wanted && this.#startAt(joined.reply));
  }

  async leave(): Promise<void> {
    this.wanted = this.#joined = false;
    await this.channel.leave();
  }

  #startAt({ at, epoch }: Start): void {
    this.#joined = true;
    this.#epoch = epoch;
    this.last = at;
  }

  #event(n: number, epoch: number): void {
    if (!this.#joined) throw new Error(`${this.topic}: event ${n} came while not joined`);
    if (epoch !== this.#epoch || n !== this.last + 1) throw new Error(`${this.topic}: event ${n} came after ${this.last}`);
    this.last = n;
  }
}

async function run(seed: number, polling: boolean): Promise<void> {
  const random = seeded(seed);
  const server = new ModelServer(random);
  const { mistakes } = server;
  vi.spyOn(Math, "random").mockImplementation(random);
  vi.stubGlobal("reportError", (error: unknown) => error === unread || mistakes.push(error));
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal("MessageChannel", server.MessageChannel);
  const WebSocket = polling ? false : server.WebSocket;
  const options = { WebSocket, fallback: polling ? longPoll : undefined } as SocketOptions<object>;
  const socket = new $Socket<object>("http://example.com/socket", options);
  // Params take their time, and some cannot be read.
  const params = (): object | Promise<object> => {
    if (!server.chance(0.3)) return {};
    return new Promise((resolve, reject) => setTimeout(() => (server.chance(0.2) ? reject(unread) : resolve({})), server.delay()));
  };
  const mischief = (view: View): void => {
    if (server.chance(0.01)) guard(view.leave());
    if (server.chance(0.01)) guard(pick(views).leave());
    if (server.chance(0.01)) pick(views).join();
    if (server.chance(0.003)) socket.disconnect();
    if (server.chance(0.01)) socket.connect();
    if (server.chance(0.01)) throw unread;
  };
  const views = ["a", "b", "c"].map((id) => new View(socket.channel(room, { id }, params), mischief));
  socket.onState(() => server.chance(0.05) && mischief(pick(views)));
  const answers = new Map<number, string>();
  let pushes = 0;

  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const push = async ({ channel }: View): Promise<void> => {
    const n = ++pushes;
    const result = await channel.tryPush("send", { n }, pick([{}, {}, {}, { timeout: random() * 100 }, { signal: aborted() }]));
    if (answers.has(n)) throw new Error(`push ${n} was answered twice`);
    answers.set(n, result.ok ? "ok" : result.error.code);
    if (result.ok && (result.reply.id !== n || server.taken.get(n)?.[0] !== "ok")) throw new Error(`push ${n} got another's reply`);
    if (!result.ok && result.error.code === "slow_down" && result.error.retry_after_ms !== n) throw new Error(`push ${n} got another's error`);
  };
  const aborted = (): AbortSignal => {
    const control = new AbortController();
    setTimeout(() => control.abort(), random() * 200);
    return control.signal;
  };
  const guard = (promise: Promise<void>): void => void promise.catch((error: unknown) => mistakes.push(error));
  const anyConnection = (act: (connection: ModelServer["connections"] extends Set<infer C> ? C : never) => void): void => {
    if (server.connections.size) act(pick([...server.connections]));
  };
  const actions: [weight: number, act: () => void][] = [
    [6, () => pick(views).join()],
    [1, () => pick(views).join({ timeout: random() * 1_000 })],
    [1, () => pick(views).join({ signal: aborted() })],
    [0.5, () => void socket.renew().catch(() => {})],
    [2, () => guard(pick(views).leave())],
    [10, () => guard(push(pick(views)))],
    [12, () => server.publish(pick(views).topic)],
    [2, () => anyConnection((connection) => connection.cut(1006))],
    [1, () => anyConnection((connection) => connection.cut(1013, "too slow"))],
    [2, () => anyConnection((connection) => server.crash(connection, pick(views).topic))],
    [0.3, () => server.restart()],
    [0.5, () => socket.disconnect()],
    [1, () => socket.connect()],
    [0.5, () => void (server.reachable = !server.reachable)],
  ];
  const total = actions.reduce((sum, [weight]) => sum + weight, 0);
  for (let step = 0; step < steps; step++) {
    let at = random() * total;
    actions.find(([weight]) => (at -= weight) < 0)?.[1]();
    await vi.advanceTimersByTimeAsync(random() < 0.05 ? random() * 20_000 : random() * 100);
  }

  // Everything works from here on, and comes to rest.
  server.faults = false;
  server.reachable = true;
  socket.connect();
  await vi.advanceTimersByTimeAsync(120_000);
  for (const { topic } of views) server.publish(topic);
  await vi.advanceTimersByTimeAsync(1_000);

  expect(mistakes).toEqual([]);
  expect(answers.size, "pushes that were answered").toBe(pushes);
  expect(socket.state).toBe("open");
  const connection = [...server.connections].at(-1);
  for (const { channel, topic, wanted, last } of views) {
    expect([topic, channel.state]).toEqual([topic, wanted ? "joined" : "closed"]);
    expect([topic, connection?.members.has(topic)]).toEqual([topic, wanted]);
    if (wanted) expect([topic, last], "the last event").toEqual([topic, server.log(topic).last]);
  }
  socket.disconnect();
  await vi.advanceTimersByTimeAsync(60_000);
}

const { SEED, SEEDS } = process.env;
const seeds = SEED ? [Number(SEED)] : Array.from({ length: Number(SEEDS ?? 150) }, (_, i) => i + 1);

test.each([
  ["WebSocket", false],
  ["long-polling", true],
])("random sequences over %s keep every promise", { timeout: 600_000 }, async (_, polling) => {
  for (const seed of seeds) {
    try {
      await run(seed, polling);
    } catch (error) {
      throw new Error(`replay with SEED=${seed}: ${(error as ChannelError).message}`, { cause: error });
    }
  }
});
