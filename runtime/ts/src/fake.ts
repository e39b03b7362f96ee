import { $binary, $encodeBinary } from "./binary.ts";
import { $sent } from "./debug.ts";
import type { $SystemError } from "./errors.ts";
import { $report, type $Clock, type $WebSocket } from "./globals.ts";
import { $Socket } from "./socket.ts";
import { $topic } from "./topic.ts";
import type { ChannelDefinition, SocketOptions, $Contract, $SocketArgument } from "./types.ts";

/** A join or push that a fake server answers. */
export interface FakeCall<Failure> {
  /** The topic that it is on. */
  readonly topic: string;
  /** Answers with an error: one that the schema declares, or one of the server's own. Does not return. */
  refuse(error: Failure | $SystemError): never;
}

/** What a fake server does with the joins and pushes of a channel: it returns the reply, or refuses. */
export interface FakeHandlers<C extends $Contract> {
  /** Answers every join, those after a lost connection too. */
  join(params: C["join"]["payload"], call: FakeCall<C["join"]["error"]>): C["join"]["reply"] | Promise<C["join"]["reply"]>;
  /** By event. One that is not here is answered `unknown_event`. */
  readonly pushes?: { readonly [E in keyof C["pushes"]]?: $FakePush<C["pushes"][E]> };
}

type $FakePush<T> = T extends { payload: infer P; reply: infer R; error: infer E }
  ? (payload: P, call: FakeCall<E>) => R | Promise<R>
  : never;

/** One channel of a fake server. Where a method takes topic parameters, it means all that are joined without them. */
export interface FakeChannel<C extends $Contract> {
  /** The topics that are joined. */
  topics(): string[];
  /** Broadcasts an event. Callbacks have been called when it returns. */
  emit<E extends keyof C["events"]>(event: E, payload: C["events"][E], topic?: C["topic"]): void;
  /** Says who is there: the metas by key. */
  presence(metas: Readonly<Record<string, readonly $Meta<C>[]>>, topic?: C["topic"]): void;
  /** Crashes the memberships: clients join again, after a pause. */
  crash(topic?: C["topic"]): void;
  /** Ends the memberships: clients do not join again. */
  close(topic?: C["topic"]): void;
}

type $Meta<C> = C extends { presence: infer Meta } ? Meta : never;

/** A socket that is connected to a server within the test, on a clock of its own. */
export interface FakeSocket<C extends $Contract> extends FakeChannel<C> {
  /** What the application is given. */
  readonly socket: $Socket<never>;
  /** Serves another channel too. */
  serve<D extends $Contract>(definition: ChannelDefinition<D>, handlers: FakeHandlers<D>): FakeChannel<D>;
  /** Breaks the connection. No other comes about until `restore`. */
  drop(): void;
  /** Closes the connection and refuses any other until `restore`: the socket is `refused`. */
  refuse(reason: string): void;
  /** Lets connections through again, and the time pass until there is one. Says what rejoins are told of `recovered`. */
  restore(options?: { readonly recovered?: boolean }): Promise<void>;
  /** Lets ms milliseconds pass, and everything happen that is due: timeouts, reconnects, answers. */
  advance(ms: number): Promise<void>;
}

/**
 * A socket for tests of an application: no network, no time that passes by itself, and a server that the schema types.
 *
 *     const fake = fakeSocket(room, {
 *       join: () => ({ you, recent: [] }),
 *       pushes: { send_message: ({ body }, { refuse }) => (body ? sent : refuse({ code: "slow_down", retry_after_ms: 1 })) },
 *     });
 *     start(fake.socket);
 *     fake.emit("message_created", message);
 */
export function fakeSocket<C extends $Contract>(definition: ChannelDefinition<C>, handlers: FakeHandlers<C>): FakeSocket<C> {
  const clock = new $FakeClock();
  const server = new $FakeServer();
  const options: SocketOptions<never> = { WebSocket: server.WebSocket, $clock: clock };
  const socket = new $Socket<never>("http://fake.invalid/socket", ...([options] as unknown as $SocketArgument<never>));
  const advance = (ms: number): Promise<void> => clock.advance(() => ms);
  return {
    ...server.serve(definition, handlers),
    socket,
    serve: (more, answers) => server.serve(more, answers),
    advance,
    drop: () => server.end("down", 1006, ""),
    refuse: (reason) => server.end("refused", 4403, reason),
    async restore({ recovered = false } = {}) {
      server.mode = "up";
      server.recovered = recovered;
      await clock.advance(() => (socket.state === "reconnecting" ? Infinity : 0));
    },
  };
}

/** A clock that stands still but for `advance`. */
class $FakeClock implements $Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Calls what is due until as many milliseconds have passed as left, asked again every time, says from the start. */
  async advance(left: () => number): Promise<void> {
    const start = this.#now;
    for (;;) {
      // Promises get the turns that they need, however many are chained.
      for (let i = 0; i < 100; i++) await undefined;
      const end = start + left();
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) {
        if (end < Infinity) this.#now = Math.max(this.#now, end);
        return;
      }
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
  }
}

/** What refuse throws. */
class $Refusal {
  readonly error: $SystemError;

  constructor(error: unknown) {
    this.error = error as $SystemError;
  }
}

type $Handlers = FakeHandlers<$Contract>;
type $Handle = (payload: unknown, call: FakeCall<never>) => unknown;

/** A topic that is joined, and the channel that it is of. */
interface $Membership {
  readonly topic: string;
  readonly joinRef: string | null;
  readonly served: $Served;
}

interface $Served {
  readonly pattern: RegExp;
  readonly handlers: $Handlers;
}

/** The server's end of one WebSocket at a time. */
class $FakeServer {
  mode: "up" | "down" | "refused" = "up";
  recovered = false;
  #reason = "";
  #line: $FakeWebSocket | undefined;
  readonly #served: $Served[] = [];
  readonly #memberships = new Map<string, $Membership>();
  /** The constructor for the socket's option of that name. */
  readonly WebSocket: new (url: string) => $WebSocket;

  constructor() {
    const server = this;
    this.WebSocket = class extends $FakeWebSocket {
      constructor() {
        super();
        void server.#accept(this);
      }
    };
  }

  serve<C extends $Contract>(definition: ChannelDefinition<C>, handlers: FakeHandlers<C>): FakeChannel<C> {
    const served = { pattern: $pattern(definition.topic), handlers: handlers as unknown as $Handlers };
    this.#served.push(served);
    const each = (topic: object | undefined, act: (membership: $Membership) => void): void => {
      const name = topic && $topic(definition.topic, topic as Record<string, unknown>);
      for (const membership of [...this.#memberships.values()]) {
        if (membership.served === served && (!name || membership.topic === name)) act(membership);
      }
    };
    const push = (topic: object | undefined, event: string, payload: unknown): void =>
      each(topic, (membership) => this.#say(null, null, membership.topic, event, payload));
    const end = (topic: object | undefined, event: string): void =>
      each(topic, (membership) => {
        this.#memberships.delete(membership.topic);
        this.#say(membership.joinRef, membership.joinRef, membership.topic, event, {});
      });
    return {
      topics: () => [...this.#memberships.values()].flatMap((membership) => (membership.served === served ? membership.topic : [])),
      emit: (event, payload, topic) => push(topic, String(event), payload),
      presence(metas, topic) {
        const named = (key: string, all: readonly object[]): object[] =>
          all.map((meta, i) => ({ ...meta, phx_ref: `${key}:${i}:${JSON.stringify(meta)}` }));
        const entries = Object.entries(metas as Readonly<Record<string, readonly object[]>>);
        push(topic, "presence_state", Object.fromEntries(entries.map(([key, all]) => [key, { metas: named(key, all) }])));
      },
      crash: (topic) => end(topic, "phx_error"),
      close: (topic) => end(topic, "phx_close"),
    };
  }

  /** Ends the connection with code and reason, and from now on treats others as mode says. */
  end(mode: "down" | "refused", code: number, reason: string): void {
    this.mode = mode;
    this.#reason = reason;
    this.#hangUp(code);
  }

  #hangUp(code: number): void {
    const line = this.#line;
    this.#line = undefined;
    this.#memberships.clear();
    (line?.onclose as ((event: object) => void) | undefined)?.({ code, reason: this.#reason });
  }

  async #accept(line: $FakeWebSocket): Promise<void> {
    await undefined; // the socket sets its callbacks
    if (line.closed) return;
    this.#line = line;
    line.receive = (data) => void this.#hear(line, data);
    line.leave = () => {
      if (this.#line !== line) return;
      this.#line = undefined;
      this.#memberships.clear();
    };
    if (this.mode === "up") (line.onopen as () => void)();
    else this.#hangUp(this.mode === "down" ? 1006 : 4403);
  }

  async #hear(line: $FakeWebSocket, data: string | Uint8Array): Promise<void> {
    const [joinRef, ref, topic, event, payload] = $sent(data, $binary);
    const reply = (status: string, response: unknown, more?: object): void => {
      if (line === this.#line) this.#say(joinRef, ref, topic, "phx_reply", { status, response, ...more });
    };
    const membership = this.#memberships.get(topic);
    if (topic === "phoenix") return reply("ok", {});
    if (event === "phx_join") return this.#join(joinRef, topic, payload as { _recover?: unknown }, reply);
    if (event === "phx_leave") {
      this.#memberships.delete(topic);
      return reply("ok", {});
    }
    if (!membership) return reply("error", { reason: "unmatched topic" });
    const handlers = membership.served.handlers.pushes as Readonly<Record<string, $Handle>> | undefined;
    const handle: $Handle = handlers?.[event] ?? ((_, { refuse }) => refuse({ code: "unknown_event" }));
    const [status, response] = await $answer(handle, payload, topic);
    if (this.#memberships.get(topic) === membership) reply(status, response);
  }

  async #join(
    joinRef: string | null,
    topic: string,
    { _recover, ...params }: { _recover?: unknown },
    reply: (status: string, response: unknown, more?: object) => void,
  ): Promise<void> {
    const line = this.#line;
    const served = this.#served.find(({ pattern }) => pattern.test(topic));
    const handle: $Handle = (payload, call) => (served ? served.handlers.join(payload, call) : call.refuse({ code: "unmatched topic" }));
    const [status, response] = await $answer(handle, params, topic);
    if (line !== this.#line) return;
    if (served && status === "ok") this.#memberships.set(topic, { topic, joinRef, served });
    reply(status, response, { recovery: { position: "fake", recovered: _recover !== undefined && this.recovered } });
  }

  #say(joinRef: string | null, ref: string | null, topic: string, event: string, payload: unknown): void {
    const { status = "", response } = Object(payload) as { status?: string; response?: unknown };
    const data =
      response instanceof Uint8Array
        ? $encodeBinary(1, [joinRef ?? "", ref ?? "", topic, status], response).buffer
        : payload instanceof Uint8Array
          ? $encodeBinary(2, [topic, event], payload).buffer
          : JSON.stringify([joinRef, ref, topic, event, payload]);
    (this.#line?.onmessage as ((event: object) => void) | undefined)?.({ data });
  }
}

/** A WebSocket between a socket and a fake server. */
class $FakeWebSocket implements $WebSocket {
  binaryType = "";
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  closed = false;
  receive: ((data: string | Uint8Array) => void) | undefined;
  leave: (() => void) | undefined;

  send(data: string | Uint8Array): void {
    this.receive?.(data);
  }

  close(): void {
    this.closed = true;
    this.leave?.();
  }
}

/** What handle makes of a payload, as status and response. */
async function $answer(handle: $Handle, payload: unknown, topic: string): Promise<[status: string, response: unknown]> {
  const refuse = (error: unknown): never => {
    throw new $Refusal(error);
  };
  try {
    return ["ok", await handle(payload, { topic, refuse })];
  } catch (error) {
    if (!(error instanceof $Refusal)) {
      $report(error);
      return ["error", { reason: "internal" }];
    }
    const { code, ...fields } = error.error;
    return ["error", { reason: code, ...fields }];
  }
}

/** What matches the topics of a pattern. */
function $pattern(pattern: string): RegExp {
  const parts = pattern.split(/({\w+(?::\w+|\*)?})/).map((part, i) => {
    if (i % 2 === 0) return part.replace(/[^\w:]/g, "\\$&");
    return part.endsWith("*}") ? ".*" : "[^:]+";
  });
  return new RegExp(`^${parts.join("")}$`, "s");
}
