import { expect, test } from "vitest";
import { Port, Route } from "../../../actors/deployment/contract.ts";
import { portFrom, routeFrom } from "../../../ops/cli/ingress-flags.ts";

test.each([
  ["8080:80", { publishedPort: 8080, containerPort: 80, protocol: "tcp", mode: "balanced" }],
  ["80", { containerPort: 80 }],
  ["5353:53/udp", { publishedPort: 5353, containerPort: 53, protocol: "udp" }],
  ["8080:80/http", { protocol: "tcp", appProtocol: "http" }],
  ["8080:80/grpc", { protocol: "tcp", appProtocol: "grpc" }],
  ["8080:80,mode=host", { publishedPort: 8080, mode: "host" }],
  ["5353:53/udp,mode=host", { protocol: "udp", mode: "host" }],
])("--publish %s is understood", (flag, port) => {
  expect(Port.parse(portFrom(flag))).toMatchObject(port);
});

test.each([
  ["app.example.com", { host: "app.example.com", path: "/", tls: "auto" }],
  ["App.Example.com/api:8080", { host: "app.example.com", path: "/api", containerPort: 8080 }],
  ["localhost:8080,tls=off", { host: "localhost", containerPort: 8080, tls: "off" }],
  ["*.example.com,sticky,compress", { host: "*.example.com", options: { sticky: true, compress: true } }],
  ["a.example.com,timeout=30s,max-body=10M", { options: { requestTimeoutMs: 30_000, maxBodyBytes: 10_485_760 } }],
  [
    "a.example.com,rate=100/50,allow=10.0.0.0/8,allow=::1",
    { options: { rateLimit: { averagePerSecond: 100, burst: 50 }, allow: ["10.0.0.0/8", "::1"] } },
  ],
  ["a.example.com,auth=ann:$2y$05$abc/d.ef", { options: { basicAuth: ["ann:$2y$05$abc/d.ef"] } }],
])("--route %s is understood", (flag, route) => {
  expect(Route.parse(routeFrom(flag))).toMatchObject(route);
});

test.each(["8080:80/sctp", "127.0.0.1:80:80", "8080:80,mode=elsewhere"])("--publish %s is refused with how it is written", (flag) => {
  expect(() => portFrom(flag)).toThrow(/write PUBLISHED:CONTAINER/);
});

test.each(["a.example.com,tls=maybe", "a.example.com,sticky=yes", "a.example.com,timeout=soon", "a.example.com,colour=red"])(
  "--route %s is refused with the options there are",
  (flag) => {
    expect(() => routeFrom(flag)).toThrow(/is no option. Options: tls=off, sticky/);
  },
);
