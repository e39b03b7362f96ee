import { $Backoff } from "./backoff.ts";
import { $Channel, type $Link } from "./channel.ts";
import { $printer, $sent, type $Debug } from "./debug.ts";
import { ChannelError, $errorOf, $watch } from "./errors.ts";
import { $decode, $encode, type $Binary, type $Frame } from "./frame.ts";
import { $clock, $global, $report, type $WebSocket, type $WebSocketConstructor } from "./globals.ts";
import { $guard, $Listeners } from "./listeners.ts";
import { $read, type $Source } from "./source.ts";
import { $topic } from "./topic.ts";
import { $turns } from "./turns.ts";
import type {
  Channel,
  ChannelDefinition,
  FallbackTransport,
  SocketOptions,
  SocketState,
  $ChannelArguments,
  $Contract,
  $SocketArgument,
} from "./types.ts";

/** The close code with which a server refuses a client for good. */
const $refusal = 4403;

/** How long a WebSocket may take to open, and then to answer, before the fallback takes over: milliseconds. */
const $patience = 3_000;

/**
 * One connection to a server, shared by any number of channels. It connects when the first channel joins, or on
 * `connect()`, and reconnects by itself until `disconnect()` or until the server refuses.
 */
export class $Socket<Params extends object> {
  readonly #url: string;
  readonly #params: $Source<Params | undefined>;
  readonly #authToken: $Source<string | undefined>;
  readonly #WebSocket: $WebSocketConstructor | false;
  readonly #fallback: FallbackTransport | undefined;
  readonly #debug: $Debug | undefined;
  readonly #link: $Link;
  readonly #heartbeat: number;
  /** What the server knows this client by, over all of its connections. */
  readonly #id = $random();
  readonly #states = new $Listeners<[state: SocketState, reason: string]>();
  readonly #backoff: $Backoff;
  /** Settles the promises of renew that wait for their reply, by ref. */
  readonly #renewals = new Map<string | null, (error?: ChannelError) => void>();
  #state: SocketState = "closed";
  #reason = "";
  #refs = 0;
  #binary: $Binary | undefined;
  #socket: $WebSocket | undefined;
  /** Made anew by every attempt, so that an attempt knows that it has been overtaken. */
  #attempt: object | undefined;
  /** Whether an attempt waits for its time and may be brought forward. */
  #waiting = false;
  /** Whether this session needs the fallback, and whether this attempt or connection is over it. */
  #settled: boolean;
  #fallen = false;
  /** Whether the WebSocket that has been asked for has not brought anything yet, and whether one ever has. */
  #unproven = false;
  #proven = false;
  /** Whether nothing has come since the last heartbeat. */
  #quiet = false;
  /** Stops the next attempt, its deadline, the next heartbeat or its deadline: one of them at a time. */
  #stop: (() => void) | undefined;

  /**
   * A socket at url, which is relative to the page or absolute, without the /websocket at the end. Throws where the
   * url or the platform does not allow a connection.
   */
  constructor(url: string, ...[options]: $SocketArgument<NoInfer<Params>>) {
    const {
      params,
      authToken,
      fallback,
      WebSocket = $global.WebSocket ?? false,
      timeout = 10_000,
      heartbeat = 30_000,
      maxFrame = 65_536,
      debug,
      $clock: clock = $clock,
    } = (options ?? {}) as SocketOptions<Params>;
    if (!WebSocket && !fallback) throw new TypeError("there is no WebSocket here: pass one as options.WebSocket, or a fallback");
    try {
      this.#url = $address(url, "", {});
    } catch {
      throw new TypeError(`${url} is no address for a socket; outside of a page it has to begin with http or ws`);
    }
    this.#params = params;
    this.#authToken = authToken;
    this.#WebSocket = WebSocket;
    this.#fallback = fallback;
    this.#settled = !WebSocket || !!fallback?.remembered(this.#url);
    this.#debug = debug === true ? $printer() : debug || undefined;
    this.#heartbeat = heartbeat;
    this.#backoff = new $Backoff(clock);
    this.#link = {
      channels: new Set(),
      clock,
      timeout,
      maxFrame,
      open: () => this.#state === "open",
      connect: () => {
        if (this.#state === "closed") this.connect();
        return this.#state === "refused" ? this.#reason : undefined;
      },
      ref: () => `${++this.#refs}`,
      send: (frame) => {
        const debug = this.#debug;
        if (debug) $guard(() => debug("sent", $sent(frame, this.#binary)));
        this.#socket?.send(frame);
      },
    };
  }

  /** Whether it is connected, and if not, why not. */
  get state(): SocketState {
    return this.#state;
  }

  /** Why the last connection ended, or the server refused: the text it gave; empty where it gave none. */
  get reason(): string {
    return this.#reason;
  }

  /** Calls callback whenever the state changes, with the reason for it, if there is one. Returns what ends that. */
  onState(callback: (state: SocketState, reason: string) => unknown): () => void {
    return this.#states.add(callback);
  }

  /** The channel at a topic. Throws a RangeError for topic parameters that make no topic. Sends nothing before `join`. */
  channel<C extends $Contract>(definition: ChannelDefinition<C>, ...[topic = {}, params]: $ChannelArguments<C>): Channel<C> {
    this.#binary ??= definition.binary;
    const name = $topic(definition.topic, topic as Record<string, unknown>);
    const channel: unknown = new $Channel(this.#link, definition as ChannelDefinition<$Contract>, name, params);
    return channel as Channel<C>;
  }

  /** Connects, also after a refusal; channels that were joined rejoin. Does nothing where that is under way. */
  connect(): void {
    if (this.#state !== "closed" && this.#state !== "refused") return;
    this.#watchPage(true);
    this.#fallen = this.#settled;
    this.#set("connecting", "");
    void this.#open();
  }

  /** Closes the connection and stays disconnected until `connect()` or a join; channels that were joined rejoin then. */
  disconnect(): void {
    this.#close("the socket is disconnected");
    this.#watchPage(false);
    this.#set("closed", "");
    this.#each((channel) => channel.$disconnected());
  }

  /**
   * Reads params again and presents them on the connection that is there, without a new one: what the server makes of
   * them holds from then on. While not connected it begins the attempt that is under way, if there is one, anew: every
   * connection reads them anyway. Rejects with what reading them throws, or with a ChannelError that says why the server
   * does not take them; where it refuses the client with them, the socket is `refused` next.
   */
  async renew(): Promise<void> {
    const params = await $read(this.#params);
    if (this.#state !== "open") {
      // An attempt that is under way may have read the old ones.
      if (this.#attempt) {
        this.#close("");
        void this.#open();
      }
      return;
    }
    const { clock, timeout } = this.#link;
    const ref = this.#link.ref();
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: ChannelError): void => {
        this.#renewals.delete(ref);
        stop();
        if (error) reject(error);
        else resolve();
      };
      const stop = $watch(clock, "renew", timeout, undefined, settle);
      this.#renewals.set(ref, settle);
      this.#link.send($encode(null, ref, "phoenix", "chgen_params", JSON.stringify(params ?? {})));
    });
  }

  async #open(): Promise<void> {
    const attempt = (this.#attempt = {});
    this.#waiting = this.#unproven = false;
    this.#after(this.#link.timeout, () => this.#lost(0, "no connection in time"));
    try {
      const params = await $read(this.#params);
      const token = await $read(this.#authToken);
      if (attempt !== this.#attempt) return;
      this.#connect(this.#dial({ ...params, vsn: "2.0.0", chgen: 1, _client: this.#id }, token));
    } catch (error) {
      $report(error);
      if (attempt === this.#attempt) this.#lost(0, "");
    }
  }

  #dial(params: Readonly<Record<string, unknown>>, token: string | undefined): $WebSocket {
    if (this.#fallen || !this.#WebSocket) {
      const fallback = this.#fallback!;
      return fallback.connect($address(this.#url, fallback.path, params).replace(/^ws/, "http"), token);
    }
    this.#unproven = true;
    if (this.#onTrial()) this.#after($patience, () => this.#lost(0, "no WebSocket in time"));
    const address = $address(this.#url, "websocket", params).replace(/^http/, "ws");
    if (token === undefined) return new this.#WebSocket(address);
    const base64url = $global.btoa(token).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
    return new this.#WebSocket(address, ["phoenix", `base64url.bearer.phx.${base64url}`]);
  }

  /** Whether the WebSocket has yet to show that it gets through. */
  #onTrial(): boolean {
    return !!this.#fallback && this.#unproven && !this.#proven;
  }

  #connect(socket: $WebSocket): void {
    const current = (): boolean => socket === this.#socket;
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (!current()) return;
      this.#backoff.succeeded();
      if (this.#fallen && !this.#proven && !this.#settled) {
        this.#settled = true;
        this.#fallback?.remember(this.#url);
      }
      if (this.#onTrial()) this.#beat($patience);
      else this.#after(this.#heartbeat, () => this.#beat());
      this.#set("open", "");
      // A callback may have disconnected.
      this.#each((channel) => current() && channel.$rejoin());
    };
    // A test's clock is a fake server's, which waits for nothing.
    const take = this.#link.clock === $clock ? $turns() : $guard;
    socket.onmessage = (event: { data: string | ArrayBuffer }) => take(() => current() && this.#receive(event.data));
    socket.onclose = (event: { code: number; reason: string }) => take(() => current() && this.#lost(event.code, event.reason));
    // The close that follows says more; but ws throws where nobody listens.
    socket.onerror = () => {};
  }

  #receive(data: string | ArrayBuffer): void {
    const socket = this.#socket;
    if (this.#unproven) this.#proven = !(this.#unproven = false);
    if (this.#quiet) this.#after(this.#heartbeat, () => this.#beat());
    this.#quiet = false;
    try {
      const frame = typeof data === "string" ? $decode(data) : this.#binary?.decode(data);
      if (frame) this.#take(frame);
    } catch (error) {
      // Something is missing now: a new connection recovers it, or says that it cannot.
      $report(error);
      if (socket === this.#socket) this.#lost(0, "undecodable frame");
    }
  }

  #take(frame: $Frame): void {
    const [, ref, topic, , payload] = frame;
    const debug = this.#debug;
    if (debug) $guard(() => debug("received", frame));
    if (topic === "phoenix") {
      const { status, response } = payload as { status: unknown; response: unknown };
      this.#renewals.get(ref)?.(status === "ok" ? undefined : $errorOf("renew", status, response));
    }
    this.#each((channel) => channel.topic === topic && channel.$receive(frame));
  }

  /** Sends a heartbeat, and gives the connection up where nothing at all comes within ms milliseconds. */
  #beat(ms: number = this.#link.timeout): void {
    const { clock, ref, send } = this.#link;
    const due = clock.now() + ms;
    this.#quiet = true;
    this.#after(ms, () => {
      // A timer that comes late was asleep, with whatever there may be to receive.
      if (clock.now() > due + ms) this.#beat();
      else this.#lost(0, "heartbeat timeout");
    });
    send($encode(null, ref(), "phoenix", "heartbeat", "{}"));
  }

  #lost(code: number, reason: string): void {
    this.#close(reason || "the connection was lost");
    if (code === $refusal) {
      this.#watchPage(false);
      this.#set("refused", reason);
      return this.#each((channel) => channel.$disconnected(reason));
    }
    // A server that is going away says when to come back; then nothing brings the attempt forward.
    const wait = /^retry_after_ms=(\d+)/.exec(reason);
    this.#waiting = !wait;
    // A WebSocket that brought nothing hands over at once. A fallback that did not work either hands back.
    const falls = !!this.#fallback && this.#unproven && !wait;
    this.#fallen = this.#settled || falls;
    this.#after(falls ? 0 : (wait ? Number(wait[1]) : 0) + this.#backoff.next(), () => void this.#open());
    this.#set("reconnecting", reason);
    this.#each((channel) => channel.$lost());
  }

  /** Ends the connection and whatever was to happen with it. */
  #close(reason: string): void {
    const socket = this.#socket;
    this.#socket = this.#attempt = undefined;
    this.#quiet = false;
    this.#stop?.();
    socket?.close(1000);
    for (const settle of [...this.#renewals.values()]) settle(new ChannelError("disconnected", `renew: ${reason}`));
  }

  readonly #onPage = ({ type }: { readonly type: string }): void => {
    if (type === "pagehide") {
      // A page with a connection is not kept for the way back.
      this.#close(type);
      this.#waiting = true;
      this.#set("reconnecting", type);
      this.#each((channel) => channel.$lost());
    } else if (type !== "visibilitychange" || $global.document?.visibilityState === "visible") {
      if (this.#waiting) void this.#open();
      else if (this.#state === "open") this.#beat();
    }
  };

  #watchPage(on: boolean): void {
    const method = on ? "addEventListener" : "removeEventListener";
    for (const type of ["pagehide", "pageshow", "online"]) $global[method]?.(type, this.#onPage);
    for (const type of ["visibilitychange", "resume"]) $global.document?.[method](type, this.#onPage);
  }

  /** Calls callback after ms milliseconds, in place of what was to be called before. */
  #after(ms: number, callback: () => void): void {
    this.#stop?.();
    this.#stop = this.#link.clock.after(ms, callback);
  }

  #each(callback: (channel: $Channel) => unknown): void {
    const { channels } = this.#link;
    // A callback of one may have left another.
    for (const channel of [...channels]) if (channels.has(channel)) callback(channel);
  }

  #set(state: SocketState, reason: string): void {
    this.#reason = reason;
    if (state === this.#state) return;
    this.#state = state;
    this.#states.emit(state, reason);
  }
}

/** What is at path of the mount at url, which may be relative to the page, with the params; the mount where path is "". */
function $address(url: string, path: string, params: Readonly<Record<string, unknown>>): string {
  const address = new $global.URL(url, $global.location?.href);
  address.pathname = address.pathname.replace(/(\/websocket)?\/*$/, `/${path}`);
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  return address.href;
}

/** A text that nobody else has. */
function $random(): string {
  const { crypto } = $global;
  return crypto ? crypto.getRandomValues(new Uint32Array(4)).join("-") : `${Math.random()}-${Date.now()}`;
}
