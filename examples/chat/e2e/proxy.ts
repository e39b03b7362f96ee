// A proxy between the page and the server whose connections a test can break in the ways that networks do.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<[client: Socket, server: Socket]>();
  /** Where connections go; undefined: they are refused. */
  target: string | undefined;
  /** Whether requests for a WebSocket are turned down. */
  blocksWebSocket = false;
  /** How many have been made of each kind. */
  readonly requests = { websocket: 0, longpoll: 0 };

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (client) => this.#accept(client));
  }

  static async start(target: string): Promise<Proxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const proxy = new Proxy(server);
    proxy.target = target;
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends all connections at once. */
  cut(): void {
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy());
  }

  /** Lets nothing more through on the connections that there are; nobody is told. */
  stall(): void {
    for (const [client, server] of this.#pairs) {
      for (const socket of [client, server]) socket.unpipe().removeAllListeners("data").resume();
    }
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    client.on("error", () => client.destroy());
    client.once("data", (first: Buffer) => {
      const head = first.toString("latin1");
      const websocket = /^upgrade: *websocket/im.test(head);
      if (websocket) this.requests.websocket++;
      else if (head.includes("/longpoll")) this.requests.longpoll++;
      if (websocket && this.blocksWebSocket) return void client.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
      if (this.target === undefined) return void client.destroy();
      const { hostname, port } = new URL(this.target);
      const server = connect(Number(port), hostname);
      const pair: [Socket, Socket] = [client, server];
      this.#pairs.add(pair);
      server.on("error", () => server.destroy());
      server.write(first);
      client.pipe(server);
      server.pipe(client);
      client.on("close", () => server.destroy());
      server.on("close", () => {
        client.destroy();
        this.#pairs.delete(pair);
      });
    });
  }
}
