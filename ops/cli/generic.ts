import type { Command } from "commander";
import type { Category } from "../../actors/catalogue.ts";
import type { Surroundings } from "./program.ts";

/** What the catalogue's operations are about. Known here so that no other command waits for the catalogue to load. */
const nouns: Readonly<Record<Category, true>> = { deployments: true, containers: true, nodes: true, events: true, audit: true };

/** The noun whose verbs are asked for: `deployments get web`, `nodes --help`, `help events`. Undefined: no verb can be meant. */
export function nounOf(argv: readonly string[]): Category | undefined {
  const words = argv.filter((word, index) => !word.startsWith("-") && argv[index - 1] !== "--url");
  const [first = "", second] = words[0] === "help" ? [words[1], words[1]] : words;
  const wantsHelp = argv.includes("--help") || argv.includes("-h");
  return isNoun(first) && (second !== undefined || wantsHelp) ? first : undefined;
}

function isNoun(word: string): word is Category {
  return Object.hasOwn(nouns, word);
}

/** Adds the verbs of a noun to its command, as the catalogue has them. */
export async function addCatalogue(program: Command, noun: Category, surroundings: Surroundings): Promise<void> {
  const [{ operations }, { addVerbs }] = await Promise.all([import("../../actors/operations.ts"), import("./catalogue-verbs.ts")]);
  const parent = program.commands.find((command) => command.name() === noun);
  if (parent !== undefined)
    addVerbs(
      parent,
      operations.filter((operation) => operation.name.startsWith(`${noun}.`)),
      surroundings,
    );
}
