import type { $Debug } from "./debug.ts";
import type { ChannelError, $ErrorOf } from "./errors.ts";
import type { $Binary } from "./frame.ts";
import type { $Clock, $Signal, $WebSocket, $WebSocketConstructor } from "./globals.ts";
import type { $Presence, ChannelPresence } from "./presence.ts";
import type { $Source } from "./source.ts";

/** What the schema says about a channel; the generated contract types have this shape. */
export interface $Contract {
  /** The topic's parameters. */
  topic: object;
  join: { payload: unknown; reply: unknown; error: unknown };
  /** Whether a rejoin can recover what was missed. */
  history: boolean;
  /** By event: what the client sends, the reply, and the declared errors. */
  pushes: object;
  /** By event: what the server sends. */
  events: object;
}

/** A channel of the schema, for `socket.channel`. */
export interface ChannelDefinition<C extends $Contract> {
  /** The pattern of its topics, as in the schema. */
  readonly topic: string;
  /** The errors after which a refused join is tried again. */
  readonly retry?: readonly string[];
  /** What keeps its presence, where it has any. */
  readonly presence?: typeof $Presence;
  /** What reads and writes its binary frames, where it has any. */
  readonly binary?: $Binary;
  /** Only for the type checker; never set. */
  readonly $contract?: C;
}

/** An object without members. */
export type $Empty = Record<string, never>;

/** One argument, which can be left out where {} would do. */
export type $Argument<T, V = T> = unknown extends T ? [V] : {} extends T ? [(V | undefined)?] : [V];

export type $Push<C extends $Contract, E extends keyof C["pushes"]> = C["pushes"][E] extends {
  payload: infer P;
  reply: infer R;
  error: infer D;
}
  ? { payload: P; reply: R; error: $ErrorOf<D> }
  : never;

/** Options of a push. */
export interface PushOptions {
  /** Milliseconds to wait for the reply, counted again from when the push is sent; 10,000 unless the socket says otherwise. */
  readonly timeout?: number | undefined;
  /** Gives the push up: it fails with `aborted`, though the server may have taken it. */
  readonly signal?: $Signal | undefined;
}

/** Options of `once`. */
export interface OnceOptions {
  /** Milliseconds to wait for the event; without it as long as it takes. */
  readonly timeout?: number | undefined;
  /** Gives up: it fails with `aborted`. */
  readonly signal?: $Signal | undefined;
}

/** Options of `events`. */
export interface EventsOptions {
  /** How many events may wait to be taken, 1,000 unless said. When there are more the iteration fails with `too_slow`. */
  readonly buffer?: number | undefined;
  /** Ends the iteration, which fails with `aborted`. */
  readonly signal?: $Signal | undefined;
}

/** What came of a join or push: the reply, or the error that it failed with. */
export type PushResult<Reply, Failure> =
  | { readonly ok: true; readonly reply: Reply }
  | { readonly ok: false; readonly error: Failure };

/** What a rejoin brought. */
export interface Rejoined<Reply> {
  /** The reply to the join. */
  readonly reply: Reply;
  /**
   * True: whatever was missed follows now, in order. False: events may be missing, so start over from the reply. Always
   * false on a channel without history.
   */
  readonly recovered: boolean;
}

/** Options of a join. */
export interface JoinOptions<Reply> {
  /** Milliseconds after which to give up and leave. Without it, join goes on trying for as long as it takes. */
  readonly timeout?: number | undefined;
  /** Gives up and leaves. */
  readonly signal?: $Signal | undefined;
  /** Called after every rejoin, before any event that follows it. Required on channels with history. */
  readonly onRejoin?: ((rejoined: Rejoined<Reply>) => unknown) | undefined;
}

/** The arguments of a join to the channel C. */
export type $JoinArguments<C extends $Contract> = C["history"] extends true
  ? [options: JoinOptions<C["join"]["reply"]> & { readonly onRejoin: (rejoined: Rejoined<C["join"]["reply"]>) => unknown }]
  : [options?: JoinOptions<C["join"]["reply"]>];

/**
 * `closed`: not joined, or no longer. `joining`: a join is under way. `joined`. `errored`: the membership is lost and
 * will be rejoined. `leaving`: a leave is under way.
 */
export type ChannelState = "closed" | "joining" | "joined" | "errored" | "leaving";

interface $TypedChannel<C extends $Contract> {
  /** The topic with its parameters filled in. */
  readonly topic: string;
  /** Whether it is joined, and if not, why not. */
  readonly state: ChannelState;

  /** Calls callback whenever the state changes, with the error that caused it, if one did. Returns what ends that. */
  onState(callback: (state: ChannelState, error?: ChannelError) => unknown): () => void;

  /**
   * Joins, and rejoins by itself whenever the membership is lost, until `leave`. Connects the socket where needed.
   * Resolves with the reply to the first join; connection trouble on the way is waited out. Rejects with a ChannelError
   * when the server refuses (finally, unless the schema says `retry`), and with `left`, `aborted`, `timeout`, or, when
   * the socket is disconnected or refused, `disconnected`. After a leave it can be called again.
   */
  join(...options: $JoinArguments<C>): Promise<C["join"]["reply"]>;

  /** Like join, with the error as a result. */
  tryJoin(...options: $JoinArguments<C>): Promise<PushResult<C["join"]["reply"], $ErrorOf<C["join"]["error"]>>>;

  /**
   * Sends event and resolves with the reply. Rejects with a ChannelError: one that the event declares, one of the
   * server's own, or `timeout`, `aborted`, `left`, `too_large`, and `disconnected` as soon as the connection or the
   * membership is gone (the server may have taken the push or not; it is not sent again). While a join or a rejoin is
   * under way pushes wait, and go out in order; before `join` they fail with `left`.
   */
  push<E extends keyof C["pushes"]>(
    event: E,
    ...args: [...payload: $Argument<$Push<C, E>["payload"]>, options?: PushOptions]
  ): Promise<$Push<C, E>["reply"]>;

  /** Like push, with the error as a result. */
  tryPush<E extends keyof C["pushes"]>(
    event: E,
    ...args: [...payload: $Argument<$Push<C, E>["payload"]>, options?: PushOptions]
  ): Promise<PushResult<$Push<C, E>["reply"], $Push<C, E>["error"]>>;

  /** Calls callback for every event of that name while joined. Returns what ends that. */
  on<E extends keyof C["events"]>(event: E, callback: (payload: C["events"][E]) => unknown): () => void;

  /**
   * The next event of that name. Rejects with a ChannelError: `left` when the channel is left first, what closed it, and
   * `timeout` or `aborted`.
   */
  once<E extends keyof C["events"]>(event: E, options?: OnceOptions): Promise<C["events"][E]>;

  /**
   * The events of that name from now on, for `for await (const message of lobby.events("message_created"))`. It waits
   * while the channel is not joined, ends when it is left, and throws the ChannelError that closes it. Events that wait
   * to be taken are kept up to a bound; beyond it the iteration throws one with the code `too_slow`: none is skipped.
   */
  events<E extends keyof C["events"]>(event: E, options?: EventsOptions): AsyncIterableIterator<C["events"][E], undefined>;

  /** Leaves. Pushes that wait fail with `left` at once, and no callback of `on` is called any more. Never rejects. */
  leave(): Promise<void>;
}

/** A topic that can be joined; made by `socket.channel`. */
export type Channel<C extends $Contract> = $TypedChannel<C> &
  (C extends { presence: infer Meta } ? { readonly presence: ChannelPresence<Meta> } : unknown);

/**
 * `closed`: not connected. `connecting`: for the first time. `open`. `reconnecting`: the connection was lost or could
 * not be made, and is tried again. `refused`: the server does not want this client; `connect()` tries once more.
 */
export type SocketState = "closed" | "connecting" | "open" | "reconnecting" | "refused";

/** Options of a socket. */
export interface SocketOptions<Params> {
  /**
   * What the server wants to know of the client, or what makes it: called before every attempt, may be async. One that
   * takes longer than the timeout is given up and called again, so ask people for a password before, not in it.
   */
  readonly params?: $Source<Params> | undefined;
  /**
   * A token that stays out of the address, for servers whose mount takes one; read like params. It may hold what an HTTP
   * header can: ASCII, in short.
   */
  readonly authToken?: $Source<string | undefined> | undefined;
  /**
   * What takes over where WebSocket does not get through, in practice `longPoll`. It is then used for as long as the
   * page's session lasts, unless WebSocket has worked before; then WebSocket is tried again at the next reconnect.
   */
  readonly fallback?: FallbackTransport | undefined;
  /** Where there is no global WebSocket: the constructor to use. False: none, only the fallback. */
  readonly WebSocket?: $WebSocketConstructor | false | undefined;
  /** Milliseconds to wait for a reply, to a heartbeat too, for params, and for the connection to open. 10,000 unless said. */
  readonly timeout?: number | undefined;
  /** Milliseconds from one heartbeat to the next, 30,000 unless said. The server closes idle connections after 60 s. */
  readonly heartbeat?: number | undefined;
  /** The largest frame to send, in bytes: 65,536 unless said, which is what servers take unless told otherwise. */
  readonly maxFrame?: number | undefined;
  /** True prints every frame to the console, shortened; a function is called with it instead. */
  readonly debug?: boolean | $Debug | undefined;
  /** For fakeSocket. */
  readonly $clock?: $Clock | undefined;
}

/** What carries a connection in the place of a WebSocket. */
export interface FallbackTransport {
  /** What stands behind the mount's address: "longpoll". */
  readonly path: string;
  /** A connection to url, with what a WebSocket has of methods and callbacks. */
  connect(url: string, authToken: string | undefined): $WebSocket;
  /** Whether this session is known to need it for the mount at url. */
  remembered(url: string): boolean;
  /** This session needs it. */
  remember(url: string): void;
}

/** The options argument of a socket: required where a connect parameter is. */
export type $SocketArgument<P> = $Argument<P, SocketOptions<P> & ({} extends P ? unknown : { readonly params: $Source<P> })>;

/** The arguments of `socket.channel` after the definition. */
export type $ChannelArguments<C extends $Contract> =
  $Argument<C["join"]["payload"]> extends [unknown]
    ? [topic: C["topic"], params: $Source<C["join"]["payload"]>]
    : {} extends C["topic"]
      ? [topic?: C["topic"], params?: $Source<C["join"]["payload"]>]
      : [topic: C["topic"], params?: $Source<C["join"]["payload"]>];
