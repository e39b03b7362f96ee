import { $Backoff } from "./backoff.ts";
import { $Channel, type $Link } from "./channel.ts";
import { $decode, $encode, type $Binary } from "./frame.ts";
import { $global, $report, type $WebSocket, type $WebSocketConstructor } from "./globals.ts";
import { $Listeners } from "./listeners.ts";
import { $topic } from "./topic.ts";
import type {
  Channel,
  ChannelDefinition,
  SocketOptions,
  SocketState,
  $ChannelArguments,
  $Contract,
  $SocketArgument,
  $Source,
} from "./types.ts";

/** The close code with which a server refuses a client for good. */
const $refusal = 4403;

/**
 * One connection to a server, shared by any number of channels. It connects when the first channel joins, or on
 * `connect()`, and reconnects by itself until `disconnect()` or until the server refuses.
 */
export class $Socket<Params extends object> {
  readonly #url: string;
  readonly #params: $Source<Params> | undefined;
  readonly #WebSocket: $WebSocketConstructor;
  readonly #link: $Link;
  readonly #heartbeat: number;
  readonly #states = new $Listeners<[state: SocketState, reason: string]>();
  readonly #backoff = new $Backoff();
  #state: SocketState = "closed";
  #reason = "";
  #refs = 0;
  #binary: $Binary | undefined;
  #socket: $WebSocket | undefined;
  /** Made anew by every attempt, so that an attempt knows that it has been overtaken. */
  #attempt: object | undefined;
  /** Whether an attempt waits for its time and may be brought forward. */
  #waiting = false;
  /** Whether nothing has come since the last heartbeat. */
  #quiet = false;
  /** The next attempt, its deadline, the next heartbeat or its deadline: one of them at a time. */
  #timer: unknown;

  /**
   * A socket at url, which is relative to the page or absolute, without the /websocket at the end. Throws where the
   * url or the platform does not allow a connection.
   */
  constructor(url: string, ...[options]: $SocketArgument<NoInfer<Params>>) {
    const { params, WebSocket = $global.WebSocket, timeout = 10_000, heartbeat = 30_000, maxFrame = 65_536 } = (options ??
      {}) as SocketOptions<Params>;
    if (!WebSocket) throw new TypeError("there is no WebSocket here: pass one as options.WebSocket");
    this.#url = $endpoint(url, {});
    this.#params = params;
    this.#WebSocket = WebSocket;
    this.#heartbeat = heartbeat;
    this.#link = {
      channels: new Set(),
      timeout,
      maxFrame,
      open: () => this.#state === "open",
      connect: () => {
        if (this.#state === "closed") this.connect();
        return this.#state === "refused" ? this.#reason : undefined;
      },
      ref: () => `${++this.#refs}`,
      send: (frame) => this.#socket?.send(frame),
    };
  }

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
    this.#set("connecting", "");
    void this.#open();
  }

  /** Closes the connection and stays disconnected until `connect()` or a join; channels that were joined rejoin then. */
  disconnect(): void {
    this.#close();
    this.#watchPage(false);
    this.#set("closed", "");
    this.#each((channel) => channel.$disconnected());
  }

  async #open(): Promise<void> {
    const attempt = (this.#attempt = {});
    this.#waiting = false;
    this.#after(this.#link.timeout, () => this.#lost(0, "no connection in time"));
    try {
      const params = await (typeof this.#params === "function" ? this.#params() : this.#params);
      if (attempt !== this.#attempt) return;
      this.#connect(new this.#WebSocket($endpoint(this.#url, { ...params, vsn: "2.0.0", chgen: 1 })));
    } catch (error) {
      $report(error);
      if (attempt === this.#attempt) this.#lost(0, "");
    }
  }

  #connect(socket: $WebSocket): void {
    const current = (): boolean => socket === this.#socket;
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (!current()) return;
      this.#backoff.succeeded();
      this.#after(this.#heartbeat, () => this.#beat());
      this.#set("open", "");
      // A callback may have disconnected.
      this.#each((channel) => current() && channel.$rejoin());
    };
    socket.onmessage = (event: { data: string | ArrayBuffer }) => current() && this.#receive(event.data);
    socket.onclose = (event: { code: number; reason: string }) => current() && this.#lost(event.code, event.reason);
    // The close that follows says more; but ws throws where nobody listens.
    socket.onerror = () => {};
  }

  #receive(data: string | ArrayBuffer): void {
    const socket = this.#socket;
    this.#quiet = false;
    try {
      const frame = typeof data === "string" ? $decode(data) : this.#binary?.decode(data);
      this.#each((channel) => channel.topic === frame?.[2] && channel.$receive(frame));
    } catch (error) {
      // Something is missing now: a new connection recovers it, or says that it cannot.
      $report(error);
      if (socket === this.#socket) this.#lost(0, "undecodable frame");
    }
  }

  /** Sends a heartbeat, and gives the connection up where nothing at all comes in time. */
  #beat(): void {
    this.#quiet = true;
    this.#socket?.send($encode(null, this.#link.ref(), "phoenix", "heartbeat", "{}"));
    this.#after(this.#link.timeout, () => {
      if (this.#quiet) this.#lost(0, "heartbeat timeout");
      else this.#after(this.#heartbeat - this.#link.timeout, () => this.#beat());
    });
  }

  #lost(code: number, reason: string): void {
    this.#close();
    if (code === $refusal) {
      this.#watchPage(false);
      this.#set("refused", reason);
      return this.#each((channel) => channel.$disconnected(reason));
    }
    // A server that is going away says when to come back; then nothing brings the attempt forward.
    const wait = /^retry_after_ms=(\d+)/.exec(reason);
    this.#waiting = !wait;
    this.#after((wait ? Number(wait[1]) : 0) + this.#backoff.next(), () => void this.#open());
    this.#set("reconnecting", reason);
    this.#each((channel) => channel.$lost());
  }

  /** Ends the connection and whatever was to happen with it. */
  #close(): void {
    const socket = this.#socket;
    this.#socket = this.#attempt = undefined;
    $global.clearTimeout(this.#timer);
    socket?.close(1000);
  }

  readonly #onPage = ({ type }: { readonly type: string }): void => {
    if (type === "pagehide") {
      // A page with a connection is not kept for the way back.
      this.#close();
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

  /** Calls callback after ms milliseconds, in place of what the timer was for before. */
  #after(ms: number, callback: () => void): void {
    $global.clearTimeout(this.#timer);
    this.#timer = $global.setTimeout(callback, ms);
  }

  #each(callback: (channel: $Channel) => unknown): void {
    for (const channel of [...this.#link.channels]) callback(channel);
  }

  #set(state: SocketState, reason: string): void {
    this.#reason = reason;
    if (state === this.#state) return;
    this.#state = state;
    this.#states.emit(state, reason);
  }
}

/** The WebSocket's address at url, which may be relative to the page, with the params. */
function $endpoint(url: string, params: Readonly<Record<string, unknown>>): string {
  const address = new $global.URL(url, $global.location?.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.pathname = address.pathname.replace(/(\/websocket)?\/*$/, "/websocket");
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) address.searchParams.set(name, String(value));
  }
  return address.href;
}
