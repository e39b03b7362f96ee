// The chat's page: one socket, one channel for each open room, and the view that shows them.
import { Socket, room, type Message, type RoomJoined } from "./chat.gen";
import { View } from "./view";

const suggestions = ["lobby", "random", "private"];
const typingPauseMs = 3_000;
const noRoom = "No room can have that name.";

type RoomChannel = ReturnType<typeof openChannel>;

/** A room that this page has joined: its channel and what is known of it. */
interface OpenRoom {
  readonly id: string;
  readonly channel: RoomChannel;
  messages: Message[];
  gaps: Set<string>; // ids of messages after which some may be missing
  unread: number;
  you: string | undefined; // this client's author id, from the join reply
}

let name = sessionStorage.getItem("chat.name") ?? "";
let current: OpenRoom | undefined;
let typingTimer: ReturnType<typeof setTimeout> | undefined;
const rooms = new Map<string, OpenRoom>();

const view = new View({
  onName: enter,
  onRoom: (id) => void show(id),
  onSend: send,
  onTyping: typing,
  onRename: () => view.askName(name),
});

const socket = new Socket("/socket", { params: () => ({ name }) });
socket.onState((state, reason) => {
  view.connection(state);
  if (state === "refused") view.askName(name, `The server refused this name: ${reason || "it gave no reason"}.`);
});

/** The channel of a room. Throws a RangeError for a text that is no room's name. */
function openChannel(id: string) {
  return socket.channel(room, { room_id: id }, {});
}

/** Takes the name and opens the room that the address names. */
function enter(chosen: string): void {
  const renamed = chosen !== name && rooms.size > 0;
  name = chosen;
  sessionStorage.setItem("chat.name", name);
  view.me(name);
  if (renamed) socket.disconnect(); // a name belongs to the connection: the next one carries the new
  socket.connect();
  followAddress();
}

function followAddress(): void {
  let id = "lobby";
  try {
    id = decodeURIComponent(location.hash.slice(1)) || id;
  } catch {
    return goBack(current, noRoom);
  }
  void show(id);
}

/** Brings a room to the front, joining it first where this page has not. */
async function show(id: string): Promise<void> {
  stopTyping();
  view.notice("");
  const before = current;
  const known = rooms.get(id);
  if (known !== undefined) return bringToFront(known);
  let channel: RoomChannel;
  try {
    channel = openChannel(id);
  } catch {
    return goBack(before, noRoom);
  }
  const open: OpenRoom = { id, channel, messages: [], gaps: new Set(), unread: 0, you: undefined };
  rooms.set(id, open);
  listen(open);
  bringToFront(open);
  const failure = await join(open);
  if (failure === undefined) return;
  rooms.delete(id);
  const why = `#${id}: ${failure}`;
  if (current === open) goBack(before, why);
  else view.notice(why);
}

/** Shows the room before, or the lobby, and says why. */
function goBack(before: OpenRoom | undefined, why: string): void {
  if (before !== undefined && rooms.get(before.id) === before) bringToFront(before);
  else if (current?.id !== "lobby" && socket.state !== "refused") void show("lobby");
  view.notice(why);
}

function bringToFront(open: OpenRoom): void {
  current = open;
  open.unread = 0;
  history.replaceState(null, "", "#" + encodeURIComponent(open.id));
  paint(open);
}

function listen(open: OpenRoom): void {
  open.channel.on("message_created", (message) => {
    add(open, [message]);
    if (open !== current || document.hidden) open.unread += 1;
    paint(open);
  });
  open.channel.on("message_deleted", ({ id }) => {
    open.messages = open.messages.filter((message) => message.id !== id);
    paint(open);
  });
  open.channel.presence.onChange(() => paint(open));
}

/** Joins the room and returns why that failed, if it did. */
async function join(open: OpenRoom): Promise<string | undefined> {
  const joined = await open.channel.tryJoin({
    onRejoin: ({ reply, recovered }) => {
      const last = open.messages.at(-1);
      const complete = recovered || last === undefined || reply.recent.some((message) => message.id === last.id);
      if (!complete) open.gaps.add(last.id);
      welcome(open, reply);
    },
  });
  if (!joined.ok) return joined.error.message;
  welcome(open, joined.reply);
  return undefined;
}

function welcome(open: OpenRoom, { you, recent }: RoomJoined): void {
  open.you = you.id;
  add(open, recent);
  paint(open);
}

/** Puts messages into a room, each once, in the order of their time. */
function add(open: OpenRoom, messages: readonly Message[]): void {
  const byId = new Map(open.messages.map((message) => [message.id, message]));
  for (const message of messages) byId.set(message.id, message);
  open.messages = [...byId.values()].sort((a, b) => Date.parse(a.sent_at) - Date.parse(b.sent_at));
}

function paint(open: OpenRoom): void {
  const unread = new Map([...rooms.values()].map((each) => [each.id, each.unread]));
  view.rooms([...new Set([...suggestions, ...rooms.keys()])], current?.id, unread);
  if (open === current) view.room(open.id, open.messages, open.gaps, open.channel.presence.list(), open.you);
}

async function send(body: string): Promise<boolean> {
  const open = current;
  if (open === undefined) return false;
  stopTyping();
  const sent = await open.channel.tryPush("send_message", { body });
  if (sent.ok) {
    view.notice("");
    return true;
  }
  switch (sent.error.code) {
    case "slow_down":
      view.notice(`Too fast: try again in ${Math.ceil(sent.error.retry_after_ms / 100) / 10} seconds.`);
      break;
    case "disconnected":
    case "timeout":
      view.notice("Not sent: the connection was lost. Try again when it is back.");
      break;
    default:
      view.notice(`Not sent: ${sent.error.message}`);
  }
  return false;
}

function typing(): void {
  if (typingTimer === undefined) setTyping(true);
  clearTimeout(typingTimer);
  typingTimer = setTimeout(stopTyping, typingPauseMs);
}

function stopTyping(): void {
  if (typingTimer === undefined) return;
  clearTimeout(typingTimer);
  typingTimer = undefined;
  setTyping(false);
}

function setTyping(active: boolean): void {
  // Nobody waits for this one: a lost hint is no loss.
  if (current?.channel.state === "joined") void current.channel.tryPush("set_typing", { active });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden || current === undefined) return;
  current.unread = 0;
  paint(current);
});
addEventListener("hashchange", () => name !== "" && followAddress());

if (name === "") view.askName("");
else enter(name);
