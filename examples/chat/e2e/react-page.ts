// A page that uses every hook. The test drives it through window.reactPage and reads what it shows and has noted.
import { createElement, StrictMode, useState, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { room, type Channel, type RoomChannel, type Socket } from "../../../testdata/typescript/chat.gen";
import { useChannel, useEvent, usePresence, usePush, useSocket } from "../../../testdata/typescript/chat.react";

/** What the page is to show. */
export interface Wanted {
  readonly name: string | null;
  readonly room?: string | null;
  readonly since?: string;
  /** The auth token. */
  readonly token?: string;
  /** Whether the component that joins is there; it is, unless this says no. */
  readonly lobby?: boolean;
  /** Put before the messages, by the event callback of the render at hand. */
  readonly prefix?: string;
  /** Renders again without any change. */
  readonly again?: number;
}

const notes: string[] = [];
const senders = new Set<unknown>();

/** A WebSocket that notes the token; the chat takes none. */
class NotingWebSocket extends WebSocket {
  constructor(url: string, protocols: string[] = []) {
    super(url);
    for (const protocol of protocols.slice(1)) notes.push(`token ${atob(protocol.replace(/.*[.]/, ""))}`);
  }
}

function Chat(wanted: Wanted): ReactNode {
  const { socket, state, reason, error } = useSocket("/socket", {
    params: { name: wanted.name ?? "" },
    authToken: wanted.token,
    WebSocket: NotingWebSocket,
  });
  return createElement(
    "main",
    null,
    createElement("output", { id: "socket" }, [state, reason, error?.message].filter(Boolean).join(" ")),
    wanted.lobby !== false && createElement(Lobby, { ...wanted, socket }),
  );
}

function Lobby({ socket, room: id = "react", since, prefix = "" }: Wanted & { socket: Socket | null }): ReactNode {
  const lobby = useChannel(socket, room, id === null ? null : { room_id: id }, {
    params: since === undefined ? {} : { since },
    onJoin: ({ reply, recovered }) => notes.push(`join ${reply.you.name} ${recovered}`),
  });
  // No render may see the state of one moment with the reply of another.
  if (lobby.state === "joined" && lobby.reply === undefined) notes.push("torn");
  return createElement(
    "article",
    null,
    createElement("output", { id: "channel" }, [lobby.state, lobby.error?.code, lobby.channel?.topic].filter(Boolean).join(" ")),
    createElement("button", { id: "retry", onClick: lobby.retry }, "retry"),
    createElement(Room, { channel: lobby.channel, prefix }),
  );
}

function Room({ channel, prefix }: { channel: Channel<RoomChannel> | null; prefix: string }): ReactNode {
  const [messages, setMessages] = useState<string[]>([]);
  useEvent(channel, "message_created", ({ body }) => setMessages((all) => [...all, prefix + body]));
  const people = usePresence(channel);
  const send = usePush(channel, "send_message");
  senders.add(send);
  window.reactPage.send = async (body) => {
    const sent = await send({ body });
    return sent.ok ? "ok" : sent.error.code;
  };
  return createElement(
    "section",
    null,
    createElement("output", { id: "people" }, people.map(({ metas }) => metas[0]?.name).sort().join()),
    createElement("output", { id: "messages" }, messages.join()),
  );
}

export interface ReactPage {
  show(wanted: Wanted): void;
  send(body: string): Promise<string>;
  readonly notes: string[];
  senders(): number;
}

const root = createRoot(document.getElementById("root") as HTMLElement);
window.reactPage = {
  show: (wanted) => root.render(createElement(StrictMode, null, wanted.name === null ? null : createElement(Chat, wanted))),
  send: async () => "not rendered",
  notes,
  senders: () => senders.size,
};
