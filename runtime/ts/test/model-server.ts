// A server with history, as the protocol has it, on a network that delays, breaks and stalls: everything drawn from one
// seed. It knows what it has told whom, so the model test can hold the client to it.
import { FakeMessageChannel } from "./poll-server.ts";
import type { Frame } from "./server.ts";

/** Numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How many publications a topic keeps. */
const kept = 8;

interface Membership {
  readonly joinRef: string;
  /** Pushes that have been taken and not answered. */
  readonly open: Set<string>;
}

type Reply = (status: string, response: object, more?: object) => void;

/** The server's side of one connection, whatever carries it. */
interface Connection {
  readonly members: Map<string, Membership>;
  /** What ends the joins that have not been answered, by topic. */
  readonly joins: Map<string, () => void>;
  /** Sends a frame, unless the connection is gone. */
  down(frame: unknown[]): void;
  /** Ends the connection; the client is told code and reason if it can hear them. */
  cut(code: number, reason?: string): void;
}

export class ModelServer {
  readonly random: () => number;
  /** Whether things go wrong. */
  faults = true;
  /** Whether connections come about. */
  reachable = true;
  epoch = 1;
  readonly topics = new Map<string, { first: number; last: number }>();
  readonly connections = new Set<Connection>();
  /** What clients have done that they must not. */
  readonly mistakes: unknown[] = [];
  /** The numbers of the pushes that have been taken, and what was answered to each. */
  readonly taken = new Map<number, string[]>();
  readonly WebSocket: new (url: string) => object;
  readonly fetch: (url: string, init: RequestInit) => Promise<unknown>;
  readonly MessageChannel: typeof FakeMessageChannel = FakeMessageChannel;

  constructor(random: () => number) {
    this.random = random;
    const server = this;
    this.WebSocket = class extends ModelWebSocket {
      constructor() {
        super(server);
      }
    };
    const sessions = new Map<string, Session>();
    this.fetch = (_, init) => poll(server, sessions, init);
  }

  chance(probability: number): boolean {
    return this.faults && this.random() < probability;
  }

  /** A delay in ms, mostly short. */
  delay(): number {
    return this.chance(0.02) ? this.random() * 15_000 : this.random() * 40;
  }

  log(topic: string): { first: number; last: number } {
    let log = this.topics.get(topic);
    if (!log) this.topics.set(topic, (log = { first: 1, last: 0 }));
    return log;
  }

  publish(topic: string): void {
    const log = this.log(topic);
    log.last++;
    if (log.last - log.first >= kept) log.first++;
    for (const connection of [...this.connections]) {
      if (connection.members.has(topic)) connection.down(this.#event(topic, log.last));
    }
  }

  /** Loses every connection and the history, as a restart does. */
  restart(): void {
    this.epoch++;
    this.topics.clear();
    for (const connection of [...this.connections]) connection.cut(1012, this.chance(0.5) ? "retry_after_ms=300" : "");
  }

  crash(connection: Connection, topic: string): void {
    const membership = connection.members.get(topic);
    if (membership) this.#end(connection, topic, membership, "phx_error");
  }

  receive(connection: Connection, frame: Frame): void {
    const [joinRef, ref, topic, event, payload] = frame as [string, string, string, string, Record<string, unknown>];
    const reply = (status: string, response: object, more: object = {}): void =>
      connection.down([joinRef, ref, topic, "phx_reply", { status, response, ...more }]);
    if (event === "chgen_close") return connection.cut(1000);
    if (topic === "phoenix") return reply("ok", {});
    if (this.chance(0.02)) connection.down(this.#nonsense(joinRef, ref, topic));
    if (event === "phx_join" || event === "phx_leave") connection.joins.get(topic)?.();
    const membership = connection.members.get(topic);
    if (event === "phx_join") return this.#beginJoin(connection, topic, joinRef, payload, reply);
    if (!membership && event === "phx_leave") return reply("ok", {});
    if (membership && joinRef !== membership.joinRef) return;
    if (!membership) return reply("error", { reason: "unmatched topic" });
    if (event === "phx_leave") {
      reply("ok", {});
      return this.#end(connection, topic, membership, "phx_close");
    }
    this.#push(connection, topic, membership, ref, payload["n"] as number);
  }

  /** What a server does not say, and what it says to nobody who is here: no client may mind. */
  #nonsense(joinRef: string, ref: string, topic: string): unknown[] {
    const frames = [
      [joinRef, joinRef, topic, "phx_error", { reason: "channel_crash" }],
      ["0", ref, topic, "phx_reply", { status: "ok", response: {} }],
      ["0", null, topic, "created", { n: -1, epoch: -1 }],
      ["0", "0", topic, "phx_close", {}],
      [null, "0", topic, "phx_reply", { status: "ok", response: {}, recovery: null }],
      [null, null, "room:__proto__", "created", {}],
      [null, null, topic, "__proto__", { ["__proto__"]: 1 }],
    ];
    return frames[Math.floor(this.random() * frames.length)]!;
  }

  /** Joins take their time; what follows on the topic ends one that has not been answered. */
  #beginJoin(connection: Connection, topic: string, joinRef: string, payload: Record<string, unknown>, reply: Reply): void {
    if (!this.chance(0.3)) return this.#join(connection, topic, joinRef, payload, reply);
    const timer = setTimeout(() => {
      connection.joins.delete(topic);
      if (this.connections.has(connection)) this.#join(connection, topic, joinRef, payload, reply);
    }, this.delay());
    connection.joins.set(topic, () => {
      clearTimeout(timer);
      connection.joins.delete(topic);
      reply("error", { reason: "closed" });
    });
  }

  #join(connection: Connection, topic: string, joinRef: string, payload: Record<string, unknown>, reply: Reply): void {
    const before = connection.members.get(topic);
    connection.members.delete(topic);
    if (this.chance(0.03)) return; // nobody answers
    if (this.chance(0.06)) return reply("error", { reason: "internal" });
    if (this.chance(0.01)) return reply("error", { reason: "not_a_member" });
    const log = this.log(topic);
    const [epoch, offset] = String(payload["_recover"] ?? "0:0").split(":").map(Number) as [number, number];
    const recovered = epoch === this.epoch && offset >= log.first - 1;
    connection.members.set(topic, { joinRef, open: new Set() });
    reply("ok", { at: log.last, epoch: this.epoch }, { recovery: { position: `${this.epoch}:${log.last}`, recovered } });
    if (before) connection.down([before.joinRef, before.joinRef, topic, "phx_close", {}]);
    if (recovered) for (let n = offset + 1; n <= log.last; n++) connection.down(this.#event(topic, n));
  }

  #push(connection: Connection, topic: string, membership: Membership, ref: string, n: number): void {
    if (this.taken.has(n)) this.mistakes.push(new Error(`push ${n} came twice`));
    this.taken.set(n, []);
    membership.open.add(ref);
    const answer = (status: string, response: object): void => {
      if (!membership.open.delete(ref)) return;
      this.taken.get(n)?.push(status);
      connection.down([membership.joinRef, ref, topic, "phx_reply", { status, response }]);
    };
    if (this.chance(0.08)) {
      answer("error", { reason: "internal" });
      return this.crash(connection, topic);
    }
    setTimeout(() => {
      if (this.chance(0.2)) answer("error", { reason: "slow_down", retry_after_ms: n });
      else answer("ok", { id: n });
    }, this.delay());
  }

  #end(connection: Connection, topic: string, membership: Membership, event: string): void {
    connection.members.delete(topic);
    const { joinRef } = membership;
    for (const ref of membership.open) connection.down([joinRef, ref, topic, "phx_reply", { status: "error", response: { reason: "closed" } }]);
    membership.open.clear();
    connection.down([joinRef, joinRef, topic, event, {}]);
  }

  #event(topic: string, n: number): unknown[] {
    return [null, `${this.epoch}:${n}`, topic, "created", { n, epoch: this.epoch }];
  }
}

/** A WebSocket whose both directions keep their order and take their time. */
class ModelWebSocket implements Connection {
  binaryType = "";
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  readonly members = new Map<string, Membership>();
  readonly joins = new Map<string, () => void>();
  readonly #server: ModelServer;
  /** Whether the server has the connection, and whether nothing gets to the client any more. */
  #alive = true;
  #deaf = false;
  #upAt = 0;
  #downAt = 0;

  constructor(server: ModelServer) {
    this.#server = server;
    const works = server.reachable && !server.chance(0.1);
    this.#later("#downAt", () => {
      if (!this.#alive) return;
      if (!works) return this.#hear(1006, "");
      server.connections.add(this);
      (this.onopen as () => void)();
    });
  }

  send(data: string): void {
    this.#later("#upAt", () => this.#alive && this.#server.receive(this, JSON.parse(data) as Frame));
  }

  /** What is on its way still arrives, as it may. */
  close(): void {
    this.#end();
    this.#later("#downAt", () => this.#hear(1000, ""));
  }

  down(frame: unknown[]): void {
    const data = JSON.stringify(frame);
    if (this.#alive) this.#later("#downAt", () => !this.#deaf && (this.onmessage as (event: object) => void)({ data }));
  }

  cut(code: number, reason = ""): void {
    if (!this.#alive) return;
    // A close frame comes behind what was sent before it; a broken line brings nothing more.
    this.#deaf = code === 1006;
    this.#end();
    this.#later("#downAt", () => this.#hear(code, reason));
  }

  #hear(code: number, reason: string): void {
    this.#deaf = true;
    this.#end();
    (this.onclose as (event: object) => void)({ code, reason });
  }

  #end(): void {
    this.#alive = false;
    this.members.clear();
    this.#server.connections.delete(this);
  }

  #later(direction: "#upAt" | "#downAt", callback: () => unknown): void {
    const at = Math.max(Date.now() + this.#server.delay(), direction === "#upAt" ? this.#upAt : this.#downAt);
    if (direction === "#upAt") this.#upAt = at;
    else this.#downAt = at;
    setTimeout(callback, at - Date.now());
  }
}

/** A long-poll session: answers are held until the client shows their token. */
class Session implements Connection {
  readonly members = new Map<string, Membership>();
  readonly joins = new Map<string, () => void>();
  readonly #server: ModelServer;
  #held: string[] = [];
  sent = 0;
  #closed: { code: number; reason: string } | undefined;
  #wake: (() => void) | undefined;

  constructor(server: ModelServer) {
    this.#server = server;
    server.connections.add(this);
  }

  get gone(): boolean {
    return !this.#server.connections.has(this);
  }

  down(frame: unknown[]): void {
    if (this.gone) return;
    this.#queue.push(JSON.stringify(frame));
    this.#wake?.();
  }

  readonly #queue: string[] = [];

  cut(code: number, reason = ""): void {
    if (code !== 1006) this.#closed = { code, reason };
    this.#server.connections.delete(this);
    this.members.clear();
    this.#wake?.();
  }

  /** The answer to a poll of a client that has got that many answers. */
  async poll(id: string, received: number): Promise<object> {
    this.#wake?.();
    if (received === this.sent) this.#held = [];
    const deadline = setTimeout(() => this.#wake?.(), 10_000);
    if (!this.#queue.length && !this.#held.length && !this.gone) await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(deadline);
    this.#wake = undefined;
    this.#held.push(...this.#queue.splice(0));
    if (this.#held.length) this.sent++;
    else if (this.gone) return { status: 410, token: "new:0", ...this.#closed };
    return { status: this.#held.length ? 200 : 204, token: `${id}:${this.sent}`, messages: [...this.#held] };
  }
}

/** Answers a request for long-polling, unless it or its answer gets lost. */
async function poll(server: ModelServer, sessions: Map<string, Session>, { method, headers, body, signal }: RequestInit): Promise<unknown> {
  const travel = async (): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      const aborted = (): void => reject(new Error("aborted"));
      signal?.addEventListener("abort", aborted);
      setTimeout(() => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      }, server.delay());
    });
    if (!server.reachable || server.chance(0.04)) throw new TypeError("fetch failed");
  };
  const token = (headers as Record<string, string>)["x-phoenix-longpoll-token"];
  await travel();
  const [id = "", received] = token?.split(":") ?? [];
  const session = sessions.get(id);
  let answer: object = { status: 410 };
  if (method === "POST") {
    if (session && !session.gone) {
      for (const line of String(body).split("\n")) server.receive(session, JSON.parse(line) as Frame);
      answer = { status: 200 };
    }
  } else if (session) {
    answer = await session.poll(id, Number(received));
  } else {
    const opened = `s${sessions.size}`;
    sessions.set(opened, new Session(server));
    answer = { status: 410, token: `${opened}:0`, messages: [] };
  }
  await travel();
  return { json: () => Promise.resolve(answer) };
}
