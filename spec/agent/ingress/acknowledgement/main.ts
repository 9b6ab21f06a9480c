import { spawn } from "node:child_process";
import { Agent } from "node:http";
import { join } from "node:path";
import { type IngressTable, MAX_BALANCED_PORTS, type PoolMember } from "../../../../actors/ingress/contract.ts";
import { dynamicConfiguration, udpRoutes } from "../../../../agent/ingress/dynamic-configuration.ts";
import { allocate, EMPTY_ALLOCATION, entryPort, portKey } from "../../../../agent/ingress/entry-points.ts";
import { EntryPointsProof } from "../../../../agent/ingress/entry-points-proof.ts";
import { RoutesPublisher } from "../../../../agent/ingress/routes-publisher.ts";
import { ROUTES_DIRECTORY, staticArguments } from "../../../../agent/ingress/static-configuration.ts";
import { TraefikApi } from "../../../../agent/ingress/traefik-api.ts";
import { until } from "../../../../ops/testbed/command.ts";
import { silentLog } from "../../../../runtime/log.ts";
import { systemClock } from "../../../../runtime/system-clock.ts";
import { poolOf, tableOf } from "../tables.ts";
import { type NamedProtocol, serveNamed, whoAnswers, whoAnswersRequest } from "./named-servers.ts";

/** What was met after acknowledgements, by a real proxy with all the ports that a table may have, on processors that others keep busy. */
export interface Findings {
  readonly rounds: number;
  readonly answers: number;
  /** Answers by whom the acknowledged table had no longer: number of the table, entry point, who answered. */
  readonly older: readonly string[];
}

const HALF = "a";
const START_TIMEOUT_MS = 60_000;
const ROUNDS = 40;
const BUSY_PROCESSES = 12;
/** Every so many rounds two tables follow each other at once, so that the first may be skipped. */
const HURRIED_ROUND = 4;
/** Servers for UDP stay as they are in other rounds. */
const UDP_ROUND = 3;

const protocolOf = (index: number): NamedProtocol => (["http", "tcp", "http", "udp"] as const)[index % 4] ?? "http";
const ports = Array.from({ length: MAX_BALANCED_PORTS }, (_, index) => ({
  port: 8_000 + index,
  protocol: protocolOf(index) === "udp" ? ("udp" as const) : ("tcp" as const),
  pool: `web${index}/80/tcp`,
}));
const allocation = allocate(EMPTY_ALLOCATION, ports);

type Members = Readonly<Record<NamedProtocol, PoolMember>>;

function tableWith(number: number, members: Members): IngressTable {
  const pools = ports.map(({ pool }, index) => poolOf(pool, [members[protocolOf(index)]], { protocol: protocolOf(index) }));
  return tableOf(number, { ports, pools });
}

async function observe(traefik: string, directory: string): Promise<Findings> {
  const servers = [await serveNamed("one", "127.0.1.1"), await serveNamed("two", "127.0.1.2")] as const;
  const byName = (name: string) => (name === "one" ? servers[0] : servers[1]);
  const args = staticArguments(HALF, []).map((argument) => argument.replace(ROUTES_DIRECTORY, join(directory, HALF)));
  const acknowledged = new Map<string, () => void>();
  const publisher = new RoutesPublisher({
    directory: join(directory, HALF),
    proof: new EntryPointsProof(HALF, new TraefikApi(HALF)),
    clock: systemClock,
    log: silentLog,
    inForce: (marker) => acknowledged.get(marker)?.(),
  });
  const publish = (number: number, members: Members): Promise<void> => {
    const input = {
      table: tableWith(number, members),
      certificates: [],
      withheld: new Set<string>(),
      allocation,
      challengePort: undefined,
      isRetiring: false,
    };
    const marker = `table-1-${number}`;
    const inForce = new Promise<void>((resolve) => acknowledged.set(marker, resolve));
    publisher.publish({
      marker,
      udp: JSON.stringify(udpRoutes(input)),
      text: (name) => JSON.stringify(dynamicConfiguration(input, HALF, name)),
    });
    return inForce;
  };
  await publish(1, servers[0]);
  spawn(traefik, args, { stdio: ["ignore", "inherit", "inherit"] });
  await until("the proxy serves the first table", () => publisher.serves(), START_TIMEOUT_MS);
  for (let count = 0; count < BUSY_PROCESSES; count += 1) spawn(process.execPath, ["--eval", "for (;;);"], { stdio: "ignore" });

  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const older: string[] = [];
  let answers = 0;
  let number = 1;
  let udp = "one";
  for (let round = 1; round <= ROUNDS; round += 1) {
    const name = round % 2 === 0 ? "one" : "two";
    if (round % HURRIED_ROUND === 0) void publish((number += 1), byName(name === "one" ? "two" : "one"));
    if (round % UDP_ROUND === 0) udp = udp === "one" ? "two" : "one";
    await publish((number += 1), { ...byName(name), udp: byName(udp).udp });
    const asked = ports.map(async (port, index) => {
      const protocol = protocolOf(index);
      const answer = await whoAnswers(protocol, entryPort(HALF, allocation.offsets[portKey(port)] ?? 0));
      return { where: `${protocol} ${port.port}`, answer, expected: protocol === "udp" ? udp : name };
    });
    const first = entryPort(HALF, allocation.offsets["8000/tcp"] ?? 0);
    asked.push(whoAnswersRequest(first, kept).then((answer) => ({ where: "a kept connection", answer, expected: name })));
    for (const { where, answer, expected } of await Promise.all(asked)) {
      answers += 1;
      if (answer !== expected) older.push(`table ${number}, ${where}: ${answer}`);
    }
  }
  return { rounds: ROUNDS, answers, older };
}

const [traefik, directory] = process.argv.slice(2);
if (traefik === undefined || directory === undefined) throw new Error("usage: main.ts TRAEFIK DIRECTORY");
const findings = await observe(traefik, directory);
process.stdout.write(`${JSON.stringify(findings)}\n`, () => process.exit(0));
