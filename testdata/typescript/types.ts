// What the generated types allow and refuse. Compiled only: a line that should not compile and does is an error.
import { checks, type Problem } from "../agreement/chat.check";
import { fakeSocket, longPoll, room, Socket, storeOf } from "./chat.gen";
import type { Attachment, Channel, Message, PresenceEntry, Role, RoomChannel, RoomPresence } from "./chat.gen";
import type { ChannelState, RoomSendMessageReply, SlowDownError, SocketState, ValueStore } from "./chat.gen";
import { delete_, document, Socket as KitchenSocket, type DeleteChannel, type Shape } from "./kitchen.gen";

/** Compiles only where value is known to have just the type T. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const onRejoin = (): void => {};

export async function connecting(): Promise<void> {
  new Socket("/socket", { params: { name: "ada" } });
  new Socket("/socket", { params: () => ({ name: "ada" }), timeout: 5_000 });
  new Socket("/socket", { params: async () => ({ name: "ada" }) });
  new Socket("/socket", { params: { name: "ada" }, fallback: longPoll, authToken: async () => "token", debug: true });
  const socket = new Socket("/socket", { params: { name: "ada" }, WebSocket: false, debug: (_, [, , topic]) => topic.trim() });
  await socket.renew();
  // @ts-expect-error a connect parameter is required
  new Socket("/socket");
  // @ts-expect-error a connect parameter is required
  new Socket("/socket", { params: {} });
  // @ts-expect-error no such connect parameter
  new Socket("/socket", { params: { name: "ada", age: 36 } });
}

export function topics(socket: Socket, kitchen: KitchenSocket): void {
  socket.channel(room, { room_id: "lobby" });
  socket.channel(room, { room_id: "lobby" }, {});
  socket.channel(room, { room_id: "lobby" }, { since: "2030-01-01T00:00:00Z" });
  socket.channel(room, { room_id: "lobby" }, () => ({}));
  // @ts-expect-error a topic parameter is missing
  socket.channel(room, {});
  // @ts-expect-error a topic parameter is missing
  socket.channel(room);
  // @ts-expect-error the wrong topic parameter
  socket.channel(room, { id: "lobby" });
  // @ts-expect-error the wrong type of a topic parameter
  socket.channel(room, { room_id: 1 });
  // @ts-expect-error an optional join parameter is left out, not undefined
  socket.channel(room, { room_id: "lobby" }, { since: undefined });
  // @ts-expect-error no such join parameter
  socket.channel(room, { room_id: "lobby" }, { before: "" });
  kitchen.channel(document);
  kitchen.channel(delete_, { id: 1, owner: "", path: "" }, { token: "" });
  // @ts-expect-error {id:int} takes a number
  kitchen.channel(delete_, { id: "1", owner: "", path: "" }, { token: "" });
  // @ts-expect-error a join parameter is required
  kitchen.channel(delete_, { id: 1, owner: "", path: "" });
}

export async function joining(lobby: Channel<RoomChannel>, other: Channel<DeleteChannel>): Promise<void> {
  const { you, recent } = await lobby.join({ onRejoin: ({ reply, recovered }) => recovered || reply.recent });
  same<typeof you.role, "member" | "moderator">(true);
  same<typeof recent, Message[]>(true);
  // @ts-expect-error history requires onRejoin
  await lobby.join();
  // @ts-expect-error history requires onRejoin
  await lobby.join({ timeout: 1 });
  // @ts-expect-error history requires onRejoin
  await lobby.join({ onRejoin: undefined });
  await other.join();

  const joined = await lobby.tryJoin({ onRejoin });
  if (joined.ok) return;
  // @ts-expect-error join does not declare this error
  if (joined.error.code === "slow_down") return;
  if (joined.error.code === "not_a_member") joined.error.message.trim();
}

export async function pushing(lobby: Channel<RoomChannel>): Promise<void> {
  const reply = await lobby.push("send_message", { body: "hello" });
  same<typeof reply, RoomSendMessageReply>(true);
  await lobby.push("send_message", { body: "hello" }, { timeout: 1, signal: new AbortController().signal });
  // @ts-expect-error unknown event
  await lobby.push("shout", {});
  // @ts-expect-error a field is missing
  await lobby.push("send_message", {});
  // @ts-expect-error the payload is missing
  await lobby.push("send_message");
  // @ts-expect-error no such field
  await lobby.push("set_typing", { active: true, loud: true });
  // @ts-expect-error the wrong type of a field
  await lobby.push("set_typing", { active: "yes" });
  // @ts-expect-error an optional field is left out, not undefined
  await lobby.push("send_message", { body: "hello", attachment: undefined });
  // @ts-expect-error an optional field cannot be null
  await lobby.push("send_message", { body: "hello", attachment: null });
  // @ts-expect-error no such variant
  await lobby.push("send_message", { body: "hello", attachment: { type: "sound" } });
}

export async function failing(lobby: Channel<RoomChannel>): Promise<string | number> {
  const sent = await lobby.tryPush("send_message", { body: "hello" });
  if (sent.ok) return sent.reply.id;
  // @ts-expect-error there is no reply to look at
  sent.reply;
  // @ts-expect-error not before the code is known
  sent.error.retry_after_ms;
  // @ts-expect-error an impossible code
  if (sent.error.code === "not_a_member") return 0;
  switch (sent.error.code) {
    case "slow_down":
      sent.error satisfies SlowDownError & Error;
      return sent.error.retry_after_ms;
    case "invalid_payload":
      return sent.error.path;
    case "timeout":
    case "disconnected":
    case "aborted":
    case "left":
    case "too_large":
    case "unknown_event":
    case "internal":
    case "closed":
    case "rate_limited":
    case "unmatched topic":
    case "join crashed":
    case "too many channels joined":
      return sent.error.message;
  }
}

export async function payloads(kitchen: KitchenSocket): Promise<void> {
  const channel = kitchen.channel(delete_, { id: 1, owner: "", path: "" }, { token: "" });
  await channel.push("ping");
  await channel.push("ping", undefined, { timeout: 1 });
  // @ts-expect-error no payload
  await channel.push("ping", { loud: true });
  await channel.push("set-all", null);
  await channel.push("set-all", [1, "two"]);
  // @ts-expect-error any payload, but one
  await channel.push("set-all");
  await channel.push("upload", new Uint8Array(1));
  // @ts-expect-error bytes
  await channel.push("upload", "text");
  await channel.push("filter");
  await channel.push("filter", { color: "red" });
  // @ts-expect-error not of the enum
  await channel.push("filter", { color: "blue" });
  channel.on("chunk", (bytes) => bytes.byteLength);
  channel.on("anything", (value) => same<typeof value, unknown>(true));
  channel.on("scalars", ({ an_int64, a_duration }) => an_int64.trim() + a_duration.toFixed());
}

export function listening(lobby: Channel<RoomChannel>): void {
  const stop: () => void = lobby.on("message_created", (message) => message.author.name.trim());
  stop();
  // @ts-expect-error unknown event
  lobby.on("message_edited", () => {});
  // @ts-expect-error no such field
  lobby.on("message_created", (message) => message.text);
  // @ts-expect-error a field that may be absent
  lobby.on("message_created", (message) => message.reply_to.trim());
  // @ts-expect-error a key that may be absent
  lobby.on("message_created", (message) => message.reactions["+1"].toFixed());
}

export async function waiting(lobby: Channel<RoomChannel>): Promise<void> {
  const next = await lobby.once("message_created", { timeout: 1, signal: new AbortController().signal });
  same<typeof next, Message>(true);
  for await (const { id } of lobby.events("message_deleted", { buffer: 1 })) id.trim();
  // @ts-expect-error unknown event
  await lobby.once("message_edited");
  // @ts-expect-error unknown event
  lobby.events("send_message");
}

export function presence(lobby: Channel<RoomChannel>, kitchen: KitchenSocket): void {
  lobby.presence.onChange((who, { joins }) => [...who, ...joins].map(({ key, metas }) => key + metas[0]?.name));
  lobby.presence.list()[0]?.metas[0]?.phx_ref.trim();
  lobby.presence.count.toFixed();
  // @ts-expect-error no such member
  lobby.presence.onChange((who) => who[0]?.metas[0]?.age);
  // @ts-expect-error a channel without presence
  kitchen.channel(delete_, { id: 1, owner: "", path: "" }, { token: "" }).presence;
}

export function stores(socket: Socket, lobby: Channel<RoomChannel>): void {
  const state = storeOf(socket);
  same<typeof state, ValueStore<SocketState>>(true);
  storeOf(lobby) satisfies ValueStore<ChannelState>;
  storeOf(lobby.presence) satisfies ValueStore<readonly PresenceEntry<RoomPresence>[]>;
  // @ts-expect-error the list is shared
  lobby.presence.list().push();
  // @ts-expect-error nothing that changes
  storeOf("open");
}

export async function faking(message: Message): Promise<void> {
  const you = message.author;
  const sent = { id: "1", sent_at: "2030-01-01T00:00:00Z" };
  const fake = fakeSocket(room, {
    join: ({ since }, { refuse }) => (since ? refuse({ code: "not_a_member" }) : { you, recent: [] }),
    pushes: {
      send_message: async ({ body }, { refuse }) => (body ? sent : refuse({ code: "slow_down", retry_after_ms: 1 })),
      // @ts-expect-error unknown event
      shout: () => ({}),
    },
  });
  fake.socket satisfies Socket;
  fake.emit("message_created", message);
  fake.emit("message_deleted", { id: "1" }, { room_id: "lobby" });
  fake.presence({ ada: [{ name: "ada", typing: false }] });
  fake.serve(room, { join: () => ({ you, recent: [] }) }).close();
  await fake.restore({ recovered: true });
  // @ts-expect-error unknown event
  fake.emit("message_edited", message);
  // @ts-expect-error no such payload
  fake.emit("message_deleted", message.author.name);
  // @ts-expect-error a field is missing
  fake.presence({ ada: [{ name: "ada" }] });
  // @ts-expect-error no such reply
  fakeSocket(room, { join: () => ({ you }) });
  // @ts-expect-error no such reply
  fakeSocket(room, { join: () => ({ you, recent: [] }), pushes: { send_message: () => ({ id: 1 }) } });
  fakeSocket(room, {
    // @ts-expect-error an error that a join does not declare
    join: (_, { refuse }) => refuse({ code: "slow_down", retry_after_ms: 1 }),
  });
}

export function exhaustive(attachment: Attachment): string {
  switch (attachment.type) {
    case "image":
      return attachment.url + attachment.width;
    case "link":
      return attachment.title ?? attachment.url;
  }
}

// @ts-expect-error not every value is handled
export function someValues(role: Role): string {
  switch (role) {
    case "member":
      return role;
  }
}

// @ts-expect-error not every error is handled
export async function someErrors(lobby: Channel<RoomChannel>): Promise<string> {
  const sent = await lobby.tryPush("send_message", { body: "hello" });
  if (sent.ok) return sent.reply.id;
  switch (sent.error.code) {
    case "slow_down":
      return "wait";
  }
}

// @ts-expect-error not every variant is handled
export function incomplete(shape: Shape): number {
  switch (shape.type) {
    case "circle":
      return shape.radius;
    case "square":
      return shape.side;
  }
}

export function checking(): void {
  same<ReturnType<typeof checks.types.Message>, Problem | undefined>(true);
  checks.channels.Room.pushes.send_message.payload({ body: "hello" })?.path.trim();
  checks.channels.Room.events.message_created.text(new Uint8Array(1))?.message.trim();
  // @ts-expect-error no such type
  checks.types.Nothing;
  // @ts-expect-error unknown event
  checks.channels.Room.pushes.shout;
}
