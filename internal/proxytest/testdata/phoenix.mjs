// Phoenix's own client, once over each transport, against the socket of the first argument: joins, talks, is refused,
// leaves, and says what came of it.
import { LongPoll, Socket } from "phoenix";
import WebSocket from "ws";

const [, , url] = process.argv;

function answer(push) {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) push.receive(status, (response) => resolve([status, response]));
  });
}

async function talk(name, transport) {
  const socket = new Socket(url, { transport, params: { name } });
  socket.connect();
  const lobby = socket.channel("room:lobby", {});
  const heard = new Promise((resolve) => lobby.on("message_created", ({ body }) => resolve(body)));
  const [joined] = await answer(lobby.join());
  lobby.push("send_message", { body: "hello" });
  const closed = socket.channel("room:private", {});
  const [, refusal] = await answer(closed.join());
  closed.leave();
  const results = [joined === "ok" ? "joined" : joined, `heard ${await heard}`, `refused ${refusal.reason}`];
  const [left] = await answer(lobby.leave());
  console.log(`${name}: ${[...results, left === "ok" ? "left" : left].join(", ")}`);
  socket.disconnect();
}

await talk("WebSocket", WebSocket);
await talk("LongPoll", LongPoll);
process.exit();
