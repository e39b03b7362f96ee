import { $Backoff } from "./backoff.ts";
import { ChannelError, $errorOf, $watch } from "./errors.ts";
import { $events, $once } from "./events.ts";
import { $encode, type $Body, type $Frame } from "./frame.ts";
import { $byteLength, $report, type $Clock } from "./globals.ts";
import { $guard, $Listeners } from "./listeners.ts";
import type { $Presence } from "./presence.ts";
import { $read, type $Source } from "./source.ts";
import type {
  ChannelDefinition,
  ChannelState,
  EventsOptions,
  OnceOptions,
  PushOptions,
  PushResult,
  Rejoined,
  $Contract,
} from "./types.ts";

/** What a channel needs of its socket. */
export interface $Link {
  readonly channels: Set<$Channel>;
  readonly clock: $Clock;
  readonly timeout: number;
  readonly maxFrame: number;
  /** Whether the connection is open. */
  open(): boolean;
  /** Connects where that is needed. Returns the reason where the server has refused this client. */
  connect(): string | undefined;
  ref(): string;
  send(frame: string | Uint8Array<ArrayBuffer>): void;
}

/** A frame that wants an answer, with what to do about it. */
interface $Request {
  readonly ref: string;
  readonly event: string;
  readonly body: $Body;
  readonly options: PushOptions;
  readonly done: (error: Error | undefined, response?: unknown, reply?: $Reply) => void;
  stop?: () => void;
}

interface $Reply {
  readonly status: unknown;
  readonly response: unknown;
  readonly recovery?: { readonly position?: string; readonly recovered?: boolean };
}

interface $JoinOptions extends PushOptions {
  readonly onRejoin?: ((rejoined: Rejoined<unknown>) => unknown) | undefined;
}

/** Errors of the server's own that may be gone at the next try: only a join that has succeeded before is tried again. */
const $passing = ["internal", "join crashed", "timeout", "rate_limited", "closed"];

const $presenceEvents = ["presence_state", "presence_diff", "chgen_presence_count"];

/** One topic of one socket: the implementation of Channel, whose interface carries the promises and the types. */
export class $Channel {
  readonly topic: string;
  readonly presence: $Presence | undefined;
  readonly #link: $Link;
  readonly #definition: ChannelDefinition<$Contract>;
  readonly #params: $Source<unknown>;
  readonly #states = new $Listeners<[state: ChannelState, error?: ChannelError]>();
  readonly #events = new Map<string, $Listeners<[payload: unknown]>>();
  #state: ChannelState = "closed";
  /** The ref of the join that counts; undefined while there is none. */
  #joinRef: string | undefined;
  /** Where the channel's history was last seen, in the server's own terms. */
  #position: string | undefined;
  #backoff: $Backoff;
  /** Stops the next join, or the deadline of its params. */
  #stop: (() => void) | undefined;
  /** Sent and not answered, by ref. */
  #sent = new Map<string, $Request>();
  /** Waiting for the join. */
  #buffer = new Set<$Request>();
  #onRejoin: $JoinOptions["onRejoin"];
  /** Settles the promise of join, and of leave, while they are pending. */
  #joining: ((error: Error | undefined, response?: unknown) => void) | undefined;
  #leaving: (() => void) | undefined;

  constructor(link: $Link, definition: ChannelDefinition<$Contract>, topic: string, params: $Source<unknown>) {
    this.#link = link;
    this.#definition = definition;
    this.topic = topic;
    this.#params = params;
    this.presence = definition.presence && new definition.presence();
    this.#backoff = new $Backoff(link.clock);
  }

  get state(): ChannelState {
    return this.#state;
  }

  onState(callback: (state: ChannelState, error?: ChannelError) => unknown): () => void {
    return this.#states.add(callback);
  }

  on(event: string, callback: (payload: unknown) => unknown): () => void {
    let listeners = this.#events.get(event);
    if (!listeners) this.#events.set(event, (listeners = new $Listeners()));
    return listeners.add((payload) => this.#stays() && callback(payload));
  }

  once(event: string, options: OnceOptions = {}): Promise<unknown> {
    return $once(this, this.#link.clock, event, options);
  }

  events(event: string, options: EventsOptions = {}): AsyncIterableIterator<unknown, undefined> {
    return $events(this, this.#link.clock, event, options);
  }

  join(options: $JoinOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { channels } = this.#link;
      const { timeout, signal } = options;
      if (signal?.aborted) throw new ChannelError("aborted", `join of ${this.topic} was aborted`);
      if (this.#state === "leaving") this.#end();
      if (channels.has(this)) throw new Error(`${this.topic} is ${this.#state}: join() once, or leave() first`);
      const stop = $watch(this.#link.clock, `join of ${this.topic}`, timeout, signal, (error) => void this.#leave(error));
      this.#joining = (error, response) => {
        this.#joining = undefined;
        stop();
        if (error) reject(error);
        else resolve(response);
      };
      this.#onRejoin = options.onRejoin;
      this.#position = undefined;
      this.#backoff = new $Backoff(this.#link.clock);
      channels.add(this);
      const refusal = this.#link.connect();
      // A callback may have left.
      if (!channels.has(this)) return;
      if (refusal !== undefined) this.$disconnected(refusal);
      else if (this.#link.open()) void this.$rejoin();
      else this.#set("joining");
    });
  }

  tryJoin(options?: $JoinOptions): Promise<PushResult<unknown, ChannelError>> {
    return $attempt(this.join(options));
  }

  push(event: string, payload: unknown = {}, options: PushOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const what = `${event} on ${this.topic}`;
      if (!this.#link.channels.has(this) || this.#state === "leaving") {
        throw new ChannelError("left", `${what}: join() the channel first`);
      }
      if (options.signal?.aborted) throw new ChannelError("aborted", `${what} was aborted`);
      const request: $Request = {
        ref: this.#link.ref(),
        event,
        body: payload instanceof Uint8Array ? payload : JSON.stringify(payload),
        options,
        done: (error, response) => (error ? reject(error) : resolve(response)),
      };
      if (this.#state === "joined") return this.#send(request);
      this.#frame(request);
      this.#buffer.add(request);
      this.#await(request);
    });
  }

  tryPush(event: string, payload?: unknown, options?: PushOptions): Promise<PushResult<unknown, ChannelError>> {
    return $attempt(this.push(event, payload, options));
  }

  leave(): Promise<void> {
    return this.#leave();
  }

  /** The socket is open, or it is time for another try. */
  async $rejoin(): Promise<void> {
    // A callback that heard of the connection may have joined.
    if (this.#joinRef) return;
    const ref = (this.#joinRef = this.#link.ref());
    const { clock, timeout } = this.#link;
    const late = new ChannelError("timeout", `${this.topic}: no join params in ${timeout} ms`);
    this.#stop = clock.after(timeout, () => this.#retry(late));
    const overtaken = (): boolean => ref !== this.#joinRef || this.#state !== "joining";
    this.#set("joining");
    try {
      const params = (await $read(this.#params)) as object | undefined;
      if (overtaken()) return;
      this.#stop();
      this.#send({
        ref,
        event: "phx_join",
        body: JSON.stringify(this.#position ? { ...params, _recover: this.#position } : (params ?? {})),
        options: {},
        done: (error, response, reply) => {
          if (overtaken()) return;
          if (!error) this.#joined(response, reply?.recovery);
          else if (reply) this.#refused(error as ChannelError);
          else {
            this.#post("phx_leave");
            this.#retry(error as ChannelError);
          }
        },
      });
    } catch (error) {
      if (overtaken()) return;
      if (error instanceof ChannelError) return this.#end(error);
      $report(error);
      this.#retry();
    }
  }

  /** The membership is gone, mostly with the connection; then the socket will say when there is another one. */
  $lost(error?: ChannelError): void {
    if (this.#state === "leaving") return this.#end();
    this.#stop?.();
    this.#joinRef = undefined;
    const gone = new ChannelError("disconnected", `${this.topic}: the connection or the membership was lost`);
    for (const request of [...this.#sent.values()]) this.#settle(request, gone);
    this.#set("errored", error);
  }

  /** The connection is gone, and nobody tries to get another one: what waits for it fails. */
  $disconnected(reason?: string): void {
    const error = new ChannelError("disconnected", reason || `${this.topic}: the socket is disconnected`);
    if (this.#joining) return this.#end(error);
    this.$lost(error);
    for (const request of [...this.#buffer]) this.#settle(request, error);
  }

  /** Takes a frame for this topic. Throws, with nothing done, where its payload has a shape that it cannot have. */
  $receive([joinRef, ref, , event, payload]: $Frame): void {
    // Frames of an earlier join are stale; broadcasts have no join_ref.
    if (!this.#joinRef || (joinRef !== null && joinRef !== this.#joinRef)) return;
    if (event === "phx_reply") {
      const request = this.#sent.get(ref ?? "");
      const reply = payload as $Reply;
      const { status, response } = reply;
      if (!request) return;
      const error = status === "ok" ? undefined : $errorOf(`${request.event} on ${this.topic}`, status, response);
      this.#settle(request, error, response, reply);
    } else if (event === "phx_close") {
      const left = this.#state === "leaving";
      this.#end(left ? undefined : new ChannelError("disconnected", `${this.topic}: closed by the server`));
    } else if (event === "phx_error") {
      if (this.#state !== "leaving") this.#retry($errorOf(this.topic, "disconnected", payload));
    } else if (this.#state === "joined") {
      if ($presenceEvents.includes(event)) {
        this.presence?.$receive(event, payload, this.#joinRef);
      } else {
        if (ref !== null) this.#position = ref;
        this.#events.get(event)?.emit(payload);
      }
    }
  }

  #joined(response: unknown, recovery: $Reply["recovery"]): void {
    const recovered = recovery?.recovered === true;
    // What was missed is still to come, and moves the position as it does.
    if (!recovered || !this.#position) this.#position = recovery?.position;
    this.#backoff.succeeded();
    const first = this.#joining;
    first?.(undefined, response);
    this.#set("joined");
    if (!first && this.#stays()) $guard(() => this.#onRejoin?.({ reply: response, recovered }));
    if (this.#state !== "joined") return;
    for (const request of [...this.#buffer]) {
      this.#forget(request);
      try {
        this.#send(request);
      } catch (error) {
        request.done(error as Error);
      }
    }
  }

  /**
   * Whether the callback before has not left. One that has disconnected keeps nothing from the others: the position has
   * moved, so what they are not told now they are never told.
   */
  #stays(): boolean {
    return this.#state === "joined" || this.#state === "errored";
  }

  #refused(error: ChannelError): void {
    const retry = this.#definition.retry?.includes(error.code) || (!this.#joining && $passing.includes(error.code));
    if (retry) this.#retry(error);
    else this.#end(error);
  }

  #retry(error?: ChannelError): void {
    this.$lost(error);
    // A callback may have left or disconnected.
    if (this.#state !== "errored" || !this.#link.open()) return;
    this.#stop = this.#link.clock.after(this.#backoff.next(), () => void this.$rejoin());
  }

  #leave(error?: ChannelError): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#link.channels.has(this)) return resolve();
      const before = this.#leaving;
      this.#leaving = () => {
        before?.();
        resolve();
      };
      if (before) return;
      const joinRef = this.#joinRef;
      this.#fail("left", error);
      this.#set("leaving", error);
      if (!joinRef || !this.#link.open()) return this.#end();
      this.#send({ ref: this.#link.ref(), event: "phx_leave", body: "{}", options: {}, done: () => this.#end() });
    });
  }

  /** Nothing more comes of the join. Leaves the channel ready for another one. */
  #end(error?: ChannelError): void {
    this.#fail(error ? "disconnected" : "left", error);
    this.#joinRef = undefined;
    this.#link.channels.delete(this);
    this.#set("closed", error);
    this.#leaving?.();
    this.#leaving = undefined;
  }

  /** Fails whatever waits for an answer: the pushes with code, and the join with error, where there is one. */
  #fail(code: string, error: ChannelError | undefined): void {
    const gone = new ChannelError(code, error?.message ?? `${this.topic}: left`);
    this.#stop?.();
    this.#joining?.(error ?? gone);
    for (const request of [...this.#sent.values(), ...this.#buffer]) {
      if (request.event !== "phx_leave" && request.event !== "phx_join") this.#settle(request, gone);
      else this.#forget(request);
    }
  }

  /** Sends request and waits for the reply. Throws where it cannot be a frame. */
  #send(request: $Request): void {
    const frame = this.#frame(request);
    this.#sent.set(request.ref, request);
    this.#await(request);
    this.#link.send(frame);
  }

  /** Sends what needs no answer. */
  #post(event: string): void {
    this.#link.send($encode(this.#joinRef ?? null, this.#link.ref(), this.topic, event, "{}"));
  }

  #frame({ ref, event, body }: $Request): string | Uint8Array<ArrayBuffer> {
    const joinRef = this.#joinRef ?? "";
    const frame =
      typeof body === "string"
        ? $encode(joinRef, ref, this.topic, event, body)
        : this.#definition.binary?.encode(joinRef, ref, this.topic, event, body);
    if (!frame) throw new TypeError(`${event} on ${this.topic} takes no bytes`);
    const size = typeof frame === "string" ? $byteLength(frame) : frame.length;
    if (size > this.#link.maxFrame) {
      throw new ChannelError("too_large", `${event} on ${this.topic}: ${size} bytes, and options.maxFrame is ${this.#link.maxFrame}`);
    }
    return frame;
  }

  #await(request: $Request): void {
    const { timeout = this.#link.timeout, signal } = request.options;
    const what = `${request.event} on ${this.topic}`;
    request.stop = $watch(this.#link.clock, what, timeout, signal, (error) => this.#settle(request, error));
  }

  #settle(request: $Request, error: Error | undefined, response?: unknown, reply?: $Reply): void {
    this.#forget(request);
    request.done(error, response, reply);
  }

  #forget(request: $Request): void {
    this.#sent.delete(request.ref);
    this.#buffer.delete(request);
    request.stop?.();
  }

  #set(state: ChannelState, error?: ChannelError): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#states.emit(state, error);
  }
}

/** The outcome of promise with a ChannelError as a result; any other error is a mistake in the program and stays one. */
async function $attempt(promise: Promise<unknown>): Promise<PushResult<unknown, ChannelError>> {
  try {
    return { ok: true, reply: await promise };
  } catch (error) {
    if (error instanceof ChannelError) return { ok: false, error };
    throw error;
  }
}
