/**
 * A server as people write them, for tests of what happens to requests: HTTP and WebSocket on 8080, TCP echo on 9000, UDP echo on 9001, and on 9002
 * HTTP/2 in clear as gRPC uses it. It ends at once when it is told to, whatever is under way: only what is led away from it beforehand is safe.
 */
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createTcpServer } from "node:net";
import { hostname } from "node:os";

type Route = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void;

const WEBSOCKET_ID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3
const FINAL_TEXT = 0x81;
const who = `${hostname()} ${process.env["VERSION"] ?? ""}`;

const routes: Readonly<Record<string, Route>> = {
  "/": (_request, response) => response.end(`${who}\n`),
  "/healthz": (_request, response) => response.end("ok\n"),
  // What a replica sees of its client.
  "/headers": (request, response) => response.end(JSON.stringify({ headers: request.headers, from: request.socket.remoteAddress })),
  "/slow": (_request, response, query) => {
    setTimeout(() => response.end(`${who}\n`), Number(query.get("ms") ?? 2_000));
  },
  "/events": (_request, response, query) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let left = Number(query.get("count") ?? 5);
    const timer = setInterval(() => {
      response.write(`data: ${who}\n\n`);
      left -= 1;
      if (left > 0) return;
      clearInterval(timer);
      response.end();
    }, 100);
    response.on("close", () => clearInterval(timer));
  },
  "/echo": (request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.on("end", () => response.end(`${bytes}\n`));
  },
};

const http = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://app");
  const route = routes[pathname];
  if (route === undefined) response.writeHead(404).end();
  else route(request, response, searchParams);
});
http.on("upgrade", (request, socket) => {
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"] ?? ""}${WEBSOCKET_ID}`)
    .digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  // Every frame is answered with who we are; tests send frames that fit into one packet.
  socket.on("data", () => socket.write(Buffer.concat([Buffer.from([FINAL_TEXT, who.length]), Buffer.from(who)])));
  socket.on("end", () => socket.end());
  socket.on("error", () => socket.destroy());
});
http.listen(8080);

createTcpServer((socket) => {
  socket.on("data", (data) => socket.write(`${who} ${data.toString()}`));
  socket.on("error", () => socket.destroy());
}).listen(9000);

const udp = createSocket("udp4");
udp.on("message", (data, { port, address }) => udp.send(`${who} ${data.toString()}`, port, address));
udp.bind(9001);

// Every message is answered as it comes; how the call went is told at its end.
createHttp2Server()
  .on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("data", (data: Buffer) => stream.write(`${who} ${data.toString()}`));
    stream.on("end", () => stream.end());
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.on("error", () => stream.destroy());
  })
  .listen(9002);

process.on("SIGTERM", () => process.exit(0));
