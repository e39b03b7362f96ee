// What the hooks allow and refuse. Compiled only: a line that should not compile and does is an error.
import type { Channel, ChannelState, Message, PresenceEntry, RoomChannel, RoomJoined, RoomPresence, Socket, SocketState } from "./chat.gen";
import { room } from "./chat.gen";
import { useChannel, useEvent, usePresence, usePush, useSocket } from "./chat.react";
import { delete_, document, type Channel as KitchensChannel, type DeleteChannel, type Socket as KitchenSocket } from "./kitchen.gen";
import * as kitchen from "./kitchen.react";

/** Compiles only where value is known to have just the type T. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const onJoin = (): void => {};

export function Sockets(name: string | undefined): void {
  const { socket, state, reason, error } = useSocket("/socket", { params: { name: "ada" } });
  same<typeof error, Error | undefined>(true);
  same<typeof socket, Socket | null>(true);
  same<typeof state, SocketState>(true);
  same<typeof reason, string>(true);
  useSocket(name === undefined ? null : "/socket", { params: async () => ({ name: name ?? "" }), timeout: 5_000 });
  // @ts-expect-error a connect parameter is required
  useSocket("/socket");
  // @ts-expect-error no such connect parameter
  useSocket("/socket", { params: { name: "ada", age: 36 } });
}

export function Channels(socket: Socket | null, id: string | null, other: KitchenSocket): void {
  const lobby = useChannel(socket, room, { room_id: "lobby" }, { onJoin });
  same<typeof lobby.channel, Channel<RoomChannel> | null>(true);
  same<typeof lobby.state, ChannelState>(true);
  same<typeof lobby.reply, RoomJoined | undefined>(true);
  if (lobby.error?.code === "not_a_member") lobby.retry();
  // @ts-expect-error an error that the schema does not know
  if (lobby.error?.code === "not_a_memver") lobby.retry();
  useChannel(socket, room, id === null ? null : { room_id: id }, {
    params: { since: "2030-01-01T00:00:00Z" },
    onJoin: ({ reply, recovered }) => recovered || same<typeof reply, RoomJoined>(true),
  });
  useChannel(socket, room, { room_id: "lobby" }, { params: () => ({}), onJoin });
  // @ts-expect-error history requires onJoin
  useChannel(socket, room, { room_id: "lobby" }, {});
  // @ts-expect-error history requires onJoin
  useChannel(socket, room, { room_id: "lobby" });
  // @ts-expect-error the wrong topic parameter
  useChannel(socket, room, { id: "lobby" }, { onJoin });
  // @ts-expect-error no such join parameter
  useChannel(socket, room, { room_id: "lobby" }, { params: { before: "" }, onJoin });

  kitchen.useChannel(other, document, {}, { onJoin });
  const removal = kitchen.useChannel(other, delete_, { id: 1, owner: "", path: "" }, { params: { token: "" } });
  same<typeof removal.channel, KitchensChannel<DeleteChannel> | null>(true);
  // @ts-expect-error a join parameter is required
  kitchen.useChannel(other, delete_, { id: 1, owner: "", path: "" });
}

export function Using(lobby: Channel<RoomChannel> | null, other: KitchensChannel<DeleteChannel>): void {
  useEvent(lobby, "message_created", (message) => same<typeof message, Message>(true));
  // @ts-expect-error no such event
  useEvent(lobby, "message_crated", () => {});
  const people = usePresence(lobby);
  same<typeof people, readonly PresenceEntry<RoomPresence>[]>(true);
  // @ts-expect-error a channel without presence
  usePresence(other);
  const send = usePush(lobby, "send_message");
  void send({ body: "hello" }, { timeout: 1_000 }).then((sent) => {
    if (sent.ok) same<typeof sent.reply.id, string>(true);
    else if (sent.error.code === "slow_down") same<typeof sent.error.retry_after_ms, number>(true);
  });
  // @ts-expect-error a member is missing
  void send({});
  // @ts-expect-error no such event
  usePush(lobby, "send");
}
