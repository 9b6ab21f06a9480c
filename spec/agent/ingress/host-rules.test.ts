import { describe, expect, test } from "vitest";
import { rulesText } from "../../../agent/ingress/host-rules.ts";

const redirects = [
  { port: 8080, protocol: "tcp" as const, entryPort: 20_003 },
  { port: 53, protocol: "udp" as const, entryPort: 20_003 },
];

describe("what the kernel of a node is told", () => {
  const text = rulesText("IPv4", { redirects, peers: ["10.0.0.2", "10.0.0.1", "2001:db8::1", "node-3"] });

  test("published ports lead to entry points, and the destination stays what the client asked for", () => {
    expect(text).toContain(
      "-A ODYSSEUS-REDIRECT -p udp --dport 53 -j DNAT --to-destination :20003\n-A ODYSSEUS-REDIRECT -p tcp --dport 8080 -j DNAT --to-destination :20003\n",
    );
  });

  test("replica ports are for peers: addresses of this version of IP, nothing that would have to be looked up", () => {
    expect(text.match(/-s \S+/g)).toEqual(["-s 10.0.0.1", "-s 10.0.0.2", "-s 10.0.0.1", "-s 10.0.0.2"]);
    expect(rulesText("IPv6", { redirects, peers: ["10.0.0.1", "2001:db8::1"] }).match(/-s \S+/g)).toEqual([
      "-s 2001:db8::1",
      "-s 2001:db8::1",
    ]);
  });

  test("only chains of our own are named, so that nothing else is touched, and the same wish is the same text", () => {
    expect(text.match(/^:\S+/gm)?.every((chain) => chain.startsWith(":ODYSSEUS-"))).toBe(true);
    expect(text.match(/^-A \S+/gm)?.every((chain) => chain.startsWith("-A ODYSSEUS-"))).toBe(true);
    expect(rulesText("IPv4", { redirects: redirects.toReversed(), peers: ["node-3", "10.0.0.1", "10.0.0.2"] })).toBe(text);
  });
});
