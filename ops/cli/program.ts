import { type Argument, Command, Option } from "commander";
import { type ExitName, exitCodes } from "./exit-codes.ts";
import { namingMembers } from "./member-name.ts";
import { everyday } from "./everyday.ts";
import type { Everyday, Flag } from "./everyday-entry.ts";
import { productVersion } from "../version.ts";
import { type Action, openSession, type Options } from "./session.ts";

/** What the program needs of the process it runs in. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Failures are documents too. */
  readonly json: boolean;
}

const description = `Runs containers on your hosts.

The everyday commands are listed below. What else the API can do is under its noun:
odysseus deployments --help, odysseus containers --help, odysseus nodes --help.`;

const HELP = "print this help";

const closing = `
Examples:
  odysseus deploy web --image nginx:1.27 --replicas 3 --publish 8080:80 --wait
  odysseus plan compose.yaml
  odysseus logs web -f --since 5m

npm start signs you in on its machine. For another control plane set ODYSSEUS_URL and ODYSSEUS_TOKEN.`;

export function buildProgram(surroundings: Surroundings): Command {
  const program = new Command("odysseus")
    .description(description)
    .version(productVersion, "-V, --version", "print the version")
    .helpOption("-h, --help", HELP)
    .helpCommand("help [command]", "show the help of a command")
    .configureHelp({ subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(" ") })
    .configureOutput({
      outputError: (text, write) =>
        write(surroundings.json ? `${JSON.stringify(usageDocument(text), undefined, 2)}\n` : text.replace(/^error:/, "odysseus:")),
    })
    .exitOverride()
    .showSuggestionAfterError(true)
    .addHelpText("after", closing);
  addGlobals(program);
  for (const item of everyday) addEveryday(program, item, surroundings);
  return program;
}

function usageDocument(text: string): object {
  const [message = "", ...hints] = text
    .trim()
    .replace(/^error: /, "")
    .split("\n");
  return { error: { exit: "usage" satisfies ExitName, exitCode: exitCodes.usage, message, hints } };
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function addEveryday(program: Command, item: Everyday, surroundings: Surroundings): void {
  const parent = item.below === undefined ? program : groupOf(program, item.below);
  const command = parent.command(item.name).summary(item.summary).description(item.summary);
  for (const [spelling, description] of item.arguments) command.argument(spelling, description);
  addFlags(command, item.options);
  addExamples(command, item.examples);
  addGlobals(command);
  const isOfDeployment = item.arguments.some(([spelling]) => spelling === "<name>");
  command.action(runner(async () => namingMembers(await item.load(), isOfDeployment), surroundings));
}

/** What is said of one thing as a whole stands below its name. */
function groupOf(program: Command, name: "stack"): Command {
  const known = program.commands.find((command) => command.name() === name);
  if (known !== undefined) return known;
  const words = "Work with a stack as a whole: show, history, restart, rollback, delete";
  const group = program.command(name).summary(words).description(words);
  addExamples(group, ["odysseus stack show shop"]);
  return group;
}

/** Understood by every command, before or after its name. */
export function addGlobals(command: Command): void {
  command
    .option("--json", "print one JSON document; streams print one per line")
    .option("--url <address>", "the control plane's address, instead of the profile's");
}

export function addFlags(command: Command, flags: readonly Flag[]): void {
  for (const flag of flags) {
    const option = new Option(flag.flags, flag.description);
    if (flag.choices !== undefined) option.choices(flag.choices);
    if (flag.repeats === true) option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
    command.addOption(option);
  }
}

export function addExamples(command: Command, examples: readonly string[]): void {
  command.addHelpText(
    "after",
    `\n${examples.length === 1 ? "Example" : "Examples"}:\n${examples.map((example) => `  ${example}`).join("\n")}`,
  );
}

/** Commander hands over arguments one by one, a repeated one as a list, then options, then itself. */
export function runner(load: () => Promise<Action>, { signal, env }: Surroundings): (...received: unknown[]) => Promise<void> {
  return async (...received) => {
    const command = received.at(-1) as Command;
    const options: Options = command.optsWithGlobals();
    const args = received
      .slice(0, -2)
      .flat()
      .filter((argument) => typeof argument === "string");
    const action = await load();
    await action(openSession(options, signal, env), args, options);
  };
}
