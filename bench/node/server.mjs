// The peers that run on Node.js, driven as package serve says: node server.mjs ws|socketio
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const post = (at, n) =>
  `{"id":"01JD9Z5Q8X7W6V5T4S3R2Q1P0N","author":"somebody","body":"The quick brown fox jumps over the lazy dog, and then again, until there are enough bytes for a message.","at":${at},"n":${n}}`;

const http = createServer();
const topics = new Map();
let publish;

if (process.argv[2] === "ws") {
  const { WebSocketServer } = await import("ws");
  const members = (n) => topics.get(n) ?? topics.set(n, new Set()).get(n);
  new WebSocketServer({ server: http, perMessageDeflate: false }).on("connection", (socket) => {
    let joined = false;
    socket.on("message", (data) => {
      if (joined) return socket.send(data, { binary: false });
      joined = true;
      const room = members(Number(data.toString()));
      room.add(socket);
      socket.on("close", () => room.delete(socket));
      socket.send("joined");
    });
    socket.on("error", () => {});
  });
  publish = (topic, at, n) => {
    const text = `[null,null,"room:${topic}","posted",${post(at, n)}]`;
    for (const socket of members(topic)) socket.send(text);
  };
} else {
  const { Server } = await import("socket.io");
  const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
  io.on("connection", (socket) => {
    socket.on("join", (room) => {
      socket.join(room);
      socket.emit("joined");
    });
    socket.on("echo", (payload, ack) => ack(payload));
  });
  publish = (topic, at, n) => io.to(String(topic)).emit("posted", JSON.parse(post(at, n)));
}

const microseconds = () => Math.round((performance.timeOrigin + performance.now()) * 1000);
const answer = (result) => process.stdout.write(JSON.stringify(result) + "\n");
let credit = 0;

function run({ topics: count, rate = 0, seconds, window = 0 }) {
  const began = performance.now();
  let published = 0;
  credit = 0;
  const turn = () => {
    const passed = (performance.now() - began) / 1000;
    if (passed >= seconds) return answer({ published });
    let due = rate > 0 ? Math.floor(passed * rate) : published + 1;
    if (window > 0) due = Math.min(due, (credit + window) * count);
    for (; published < due; published++) publish(published % count, microseconds(), published);
    if (rate > 0) setTimeout(turn, 1); // the timers' own grain
    else setImmediate(turn);
  };
  turn();
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    if (command.cmd === "credit") credit = command.credit;
    else if (command.cmd === "publish") run(command);
    else {
      const { user, system } = process.cpuUsage();
      answer({ cpu_us: user + system, rss_kib: Math.round(process.memoryUsage.rss() / 1024) });
    }
  })
  .on("close", () => process.exit(0));

http.listen(0, "127.0.0.1", () => answer({ addr: `127.0.0.1:${http.address().port}` }));
