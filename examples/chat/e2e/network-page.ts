// A page that joins a room and writes down, in order, all that its application gets to see.
import { longPoll, room, Socket, type Channel, type RoomChannel, type SocketState } from "../web/chat.gen";

/** What the application saw: a message by its number, or a join with the numbers that its reply had. */
export type Seen = { readonly message: number } | { readonly recovered: boolean; readonly recent: readonly number[] };

/** How the page is to connect. */
export interface Settings {
  readonly room: string;
  readonly timeout?: number;
  readonly heartbeat?: number;
}

const seen: Seen[] = [];
const states: SocketState[] = [];
let socket: Socket;
let channel: Channel<RoomChannel>;

export interface NetworkPage {
  start(settings: Settings): Promise<void>;
  connect(): void;
  /** Pushes, and puts the answer into pushed. */
  push(body: string): void;
  pushed: Promise<string> | undefined;
  state(): string;
  readonly seen: Seen[];
  readonly states: SocketState[];
}

window.networkPage = {
  seen,
  states,
  start: async ({ room: id, ...options }) => {
    socket = new Socket("/socket", { params: { name: "Ada" }, fallback: longPoll, ...options });
    socket.onState((state) => states.push(state));
    channel = socket.channel(room, { room_id: id });
    channel.on("message_created", ({ body }) => seen.push({ message: Number(body) }));
    const joined = (recovered: boolean, recent: readonly { readonly body: string }[]): void => {
      seen.push({ recovered, recent: recent.map(({ body }) => Number(body)) });
    };
    const { recent } = await channel.join({ onRejoin: ({ reply, recovered }) => joined(recovered, reply.recent) });
    joined(false, recent);
  },
  connect: () => socket.connect(),
  push: (body) => {
    window.networkPage.pushed = channel.tryPush("send_message", { body }).then((sent) => (sent.ok ? "ok" : sent.error.code));
  },
  pushed: undefined,
  state: () => `${socket.state} ${socket.reason} ${channel.state}`,
};
