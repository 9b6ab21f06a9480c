import { describe, expect, test } from "vitest";
import { canonicalAddress, parseSockets } from "../../../agent/ingress/proc-net.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const line = (local: string, remote: string, state: string, inode = 1234) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000\n`;

describe("the kernel's list of sockets", () => {
  test("tells who listens and who is connected to whom, in either version of IP", () => {
    const text =
      HEAD +
      line("00000000:0016", "00000000:0000", "0A") +
      line("0B00D20A:98C8", "0C00D20A:6E28", "01") +
      line("0000000000000000FFFF00000B00D20A:4E23", "0000000000000000FFFF0000FE00D20A:9296", "01") +
      line("B80D0120000000000000000001000000:01BB", "B80D0120000000000000000002000000:C000", "01");
    expect(parseSockets(text, "tcp")).toEqual([
      { localAddress: "0.0.0.0", localPort: 22, remoteAddress: "0.0.0.0", remotePort: 0, state: "listening" },
      { localAddress: "10.210.0.11", localPort: 39_112, remoteAddress: "10.210.0.12", remotePort: 28_200, state: "open" },
      { localAddress: "10.210.0.11", localPort: 20_003, remoteAddress: "10.210.0.254", remotePort: 37_526, state: "open" },
      { localAddress: "2001:db8::1", localPort: 443, remoteAddress: "2001:db8::2", remotePort: 49_152, state: "open" },
    ]);
  });

  test("counts a connection that one side has closed for as long as a process has it, and none that only the kernel remembers", () => {
    const states = [
      ["04", 77],
      ["05", 77],
      ["08", 77],
      ["02", 77],
      ["06", 0],
      ["04", 0],
      ["07", 0],
    ] as const;
    const text = HEAD + states.map(([state, inode]) => line("0100007F:0050", "0100007F:C000", state, inode)).join("");
    expect(parseSockets(text, "tcp").map(({ state }) => state)).toEqual(["open", "open", "open", "open", "over", "over", "over"]);
  });

  test("of UDP, one that waits for anybody listens", () => {
    const text = HEAD + line("00000000:0035", "00000000:0000", "07") + line("0100007F:C000", "0100007F:0035", "01");
    expect(parseSockets(text, "udp").map(({ state }) => state)).toEqual(["listening", "open"]);
  });

  test("lines that make no sense are left out, and an address has one spelling", () => {
    expect(parseSockets(`${HEAD}nonsense\n\n`, "tcp")).toEqual([]);
    expect(canonicalAddress("2001:DB8:0:0:0:0:0:1")).toBe("2001:db8::1");
    expect(canonicalAddress("10.0.0.1")).toBe("10.0.0.1");
  });
});
