import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { DOCKER } from "./node.ts";
import { Testbed } from "./testbed.ts";

const DEFAULT_NODES = 3;

const HELP = `Several Docker engines on this machine, to try the platform on by hand. Needs root.

Usage: node ops/testbed/main.ts [--name NAME] COMMAND

  up [NODES]          make a testbed of NODES engines (${DEFAULT_NODES}) with a registry and the test images
  status              what runs, and the addresses and sockets to use
  d NODE ARGS...      docker on a node, e.g. d 2 ps
  x NODE COMMAND...   a command in a node, e.g. x 2 ip address
  kill NODE           power off          start NODE          power on
  dkill NODE [SIGNAL] end the engine     dstart NODE         start the engine
  partition NODE      cut it off         heal NODE           reconnect it
  cut FROM TO         one direction only uncut FROM TO       (a node's number, or machine)
  down                remove everything

The testbed is named "hand" unless --name says otherwise.
Example: node ops/testbed/main.ts up 3 && node ops/testbed/main.ts d 1 run -d odysseus-test/bb:1
`;

/** What a command prints when it has done its work. */
type Command = (bed: Testbed, args: readonly string[]) => Promise<string>;

const nothing = async (work: Promise<void>): Promise<string> => work.then(() => "");
const endpoint = (text: string | undefined): number | "machine" => (text === "machine" ? "machine" : Number(text));

const COMMANDS: Readonly<Record<string, Command>> = {
  status,
  kill: (bed, [node]) => nothing(bed.powerOff(Number(node))),
  start: (bed, [node]) => nothing(bed.powerOn(Number(node))),
  dkill: (bed, [node, signal = "SIGKILL"]) => nothing(bed.killEngine(Number(node), signal as NodeJS.Signals)),
  dstart: (bed, [node]) => nothing(bed.startEngine(Number(node))),
  partition: (bed, [node]) => nothing(bed.partition(Number(node))),
  heal: (bed, [node]) => nothing(bed.heal(Number(node))),
  cut: (bed, [from, to]) => nothing(bed.cut(endpoint(from), endpoint(to))),
  uncut: (bed, [from, to]) => nothing(bed.uncut(endpoint(from), endpoint(to))),
  down: (bed) => nothing(bed.down()),
};

/** With the person's own terminal, so that `logs -f` and a shell work. */
async function inNode(bed: Testbed, node: number, command: readonly string[]): Promise<number> {
  const [program, ...args] = bed.node(node).entering(command);
  const [exitCode] = (await once(spawn(program, args, { stdio: "inherit" }), "exit")) as [number | null];
  return exitCode ?? 1;
}

async function status(bed: Testbed): Promise<string> {
  const registry = `registry  ${bed.registry.address}  ${(await bed.registry.answers()) ? "answers" : "is down"}  ${bed.registry.reference(bed.images.bb1)}`;
  const nodes = bed.nodes.map((node) => `${node.hostname}     ${node.address}  ${node.isPoweredOn ? "on " : "off"}  ${node.dockerHost}`);
  return [...nodes, registry, `machine   ${bed.address}`, ""].join("\n");
}

async function up(name: string, nodes: number): Promise<string> {
  const bed = (await Testbed.attach(name)) ?? (await Testbed.create({ name, nodes, owner: "nobody" }));
  await bed.up();
  await Promise.all(bed.nodes.map((node) => bed.loadImages(node.number)));
  return status(bed);
}

async function main(argv: readonly string[]): Promise<number> {
  const ours = argv[0] === "--name" ? 2 : 0; // everything after the command belongs to the command
  const { values } = parseArgs({ args: argv.slice(0, ours), options: { name: { type: "string", default: "hand" } } });
  const [command = "--help", ...args] = argv.slice(ours);
  if (command === "--help" || command === "-h" || command === "help") return print(HELP);
  if (command === "up") return print(await up(values.name, Number(args[0] ?? DEFAULT_NODES)));
  const action = COMMANDS[command];
  if (action === undefined && command !== "d" && command !== "x") return fail(`no such command: ${command}\n\n${HELP}`, 2);
  const bed = await Testbed.attach(values.name);
  if (bed === undefined) return fail(`there is no testbed "${values.name}": make one with "up"`, 1);
  if (action === undefined) return inNode(bed, Number(args[0]), [...(command === "d" ? DOCKER : []), ...args.slice(1)]);
  return print(await action(bed, args));
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function fail(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`);
  return exitCode;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) =>
  fail(error instanceof Error ? error.message : String(error), 1),
);
