// What the official phoenix client does in a page; see phoenix-browser.test.ts.
import { type Channel, LongPoll, Presence, type Push, Socket } from "phoenix";

type Transport = "WebSocket" | "LongPoll";

function connect(name: string, transport: Transport): Socket {
  const socket = new Socket("/socket", { params: { name }, transport: transport === "LongPoll" ? LongPoll : WebSocket });
  socket.connect();
  return socket;
}

function answer(push: Push): Promise<{ status: string; response: any }> {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) push.receive(status, (response) => resolve({ status, response }));
  });
}

async function refusal(push: Push): Promise<object> {
  const { status, response } = await answer(push);
  const { reason, path } = response;
  return path === undefined ? { status, reason } : { status, reason, path };
}

function heard(channel: Channel): Promise<[string, string]> {
  return new Promise((resolve) => channel.on("message_created", ({ author, body }) => resolve([author.name, body])));
}

/** Resolves once these are in the room and nobody else. */
function present(presence: Presence, names: string[]): Promise<string[]> {
  return new Promise((resolve) => {
    const check = (): void => {
      const here = presence.list((_, { metas }) => metas[0].name as string).sort();
      if (here.join() === names.join()) resolve(here);
    };
    presence.onSync(check);
    check();
  });
}

export async function talk(transport: Transport): Promise<object> {
  const sockets = [connect("Ada", transport), connect("Grace", transport)] as const;
  const [ada, grace] = [sockets[0].channel("room:talk", {}), sockets[1].channel("room:talk", {})] as const;
  const presence = new Presence(ada);
  const joined = [(await answer(ada.join())).status, (await answer(grace.join())).status];
  const here = await present(presence, ["Ada", "Grace"]);

  const closed = sockets[0].channel("room:private", {});
  const refused = await refusal(closed.join());
  closed.leave();

  const order: string[] = [];
  const both = Promise.all([heard(ada), heard(grace)]);
  ada.on("message_created", () => order.push("broadcast"));
  const sent = await answer(ada.push("send_message", { body: "hello" }));
  order.push("reply");
  const result = {
    joined,
    here,
    refused,
    order,
    sent: sent.status,
    heard: await both,
    invalid: await refusal(ada.push("send_message", { body: "" })),
    unknown: await refusal(ada.push("dance", {})),
    left: (await answer(grace.leave())).status,
    stillHere: await present(presence, ["Ada"]),
  };
  for (const socket of sockets) socket.disconnect();
  return result;
}

let room: Channel;

export async function stay(transport: Transport): Promise<void> {
  room = connect("Ada", transport).channel("room:stay", {});
  await answer(room.join());
}

export function state(): string {
  return room.state;
}

export async function say(body: string): Promise<string> {
  return (await answer(room.push("send_message", { body }))).status;
}
