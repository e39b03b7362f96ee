// A server as far as one test needs it: WebSockets that the test opens, answers and closes by hand.
import { vi } from "vitest";
import { $Socket } from "../src/socket.ts";
import type { $Empty, ChannelDefinition, SocketOptions } from "../src/types.ts";
import { $Presence } from "../src/presence.ts";
import { $binary } from "../src/binary.ts";

export type Frame = [joinRef: string | null, ref: string | null, topic: string, event: string, payload: unknown];

/** A WebSocket in the hands of a test. */
export class FakeWebSocket {
  binaryType = "blob";
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  readonly url: URL;
  readonly sent: (string | Uint8Array)[] = [];
  readonly protocols: string[] | undefined;
  closed = false;

  constructor(url: string, protocols?: string[]) {
    this.url = new URL(url);
    this.protocols = protocols;
    sockets.push(this);
  }

  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }

  close(): void {
    this.closed = true;
  }

  /** Every frame that the client has sent. */
  frames(): Frame[] {
    return this.sent.map((data) => JSON.parse(data as string) as Frame);
  }

  /** The last frame with that event. */
  frame(event: string): Frame {
    const frame = this.frames().findLast((each) => each[3] === event);
    if (!frame) throw new Error(`the client has not sent ${event}, only ${JSON.stringify(this.frames())}`);
    return frame;
  }

  async open(): Promise<void> {
    (this.onopen as () => void)();
    await settle();
  }

  async receive(data: unknown): Promise<void> {
    (this.onmessage as (event: { data: unknown }) => void)({ data });
    await settle();
  }

  async message(...frame: Frame): Promise<void> {
    await this.receive(JSON.stringify(frame));
  }

  /** Answers the last frame with that event. */
  async reply(event: string, response: object = {}, status = "ok", more: object = {}): Promise<void> {
    const [joinRef, ref, topic] = this.frame(event);
    await this.message(joinRef, ref, topic, "phx_reply", { status, response, ...more });
  }

  async refuse(event: string, reason: string, more: object = {}): Promise<void> {
    await this.reply(event, { reason, ...more }, "error");
  }

  async drop(code = 1006, reason = ""): Promise<void> {
    (this.onclose as (event: { code: number; reason: string }) => void)({ code, reason });
    await settle();
  }
}

/** Every WebSocket of the test, in order. */
export const sockets: FakeWebSocket[] = [];

export function last(): FakeWebSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error("no connection was attempted");
  return socket;
}

/** Lets promises and the timers that are due come to their turn. */
export async function settle(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Call in beforeEach: the clock stands still, and delays are half of their longest. */
export function freeze(): void {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  sockets.length = 0;
}

/** Call in afterEach. */
export function thaw(): void {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
}

export interface Params {
  token?: string;
  page?: number;
}

export function connect(options: SocketOptions<Params> = {}): $Socket<Params> {
  return new $Socket<Params>("http://example.com/socket", { WebSocket: FakeWebSocket, ...options });
}

export interface Contract {
  topic: { room_id: string };
  join: { payload: { since?: string }; reply: { recent: string[] }; error: { code: "not_a_member" } };
  history: false;
  presence: { name: string };
  pushes: {
    send: { payload: { body: string }; reply: { id: string }; error: { code: "slow_down"; retry_after_ms: number } };
    typing: { payload: { active?: boolean }; reply: $Empty; error: never };
    upload: { payload: Uint8Array; reply: $Empty; error: never };
  };
  events: { created: { body: string }; deleted: { id: string }; chunk: Uint8Array };
}

export const room: ChannelDefinition<Contract> = {
  topic: "room:{room_id}",
  retry: ["room_is_busy"],
  presence: $Presence,
  binary: $binary,
};

/** A socket that is open, with a channel that has joined. */
export async function joined(options: SocketOptions<Params> = {}) {
  const socket = connect(options);
  const channel = socket.channel(room, { room_id: "lobby" });
  const rejoins: { reply: unknown; recovered: boolean }[] = [];
  const reply = channel.join({ onRejoin: (rejoined) => rejoins.push(rejoined) });
  await settle();
  await last().open();
  await last().reply("phx_join", { recent: [] });
  await reply;
  return { socket, channel, rejoins };
}

/** The code of the error that promise fails with. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => new Error(`it succeeded with ${JSON.stringify(value)}`),
    (error: { code?: string }) => error.code ?? error,
  );
}
