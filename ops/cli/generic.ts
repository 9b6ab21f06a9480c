import type { Command } from "commander";
import type { Category } from "../../actors/catalogue.ts";
import { nearestName } from "../../runtime/nearest-name.ts";
import type { Surroundings } from "./program.ts";
import { usage } from "./stop.ts";

/** What the catalogue's operations are about. Known here so that no other command waits for the catalogue to load. */
const nouns: Readonly<Record<Category, true>> = {
  stacks: true,
  deployments: true,
  containers: true,
  nodes: true,
  volumes: true,
  ingress: true,
  certificates: true,
  events: true,
  audit: true,
  actors: true,
};

/** What is asked of a noun. `verb` is undefined when its help is. */
export interface Phrase {
  readonly noun: Category;
  readonly verb: string | undefined;
}

/** `deployments get web`, `nodes --help`, `help events`. Undefined: the catalogue is not needed. */
export function phraseOf(argv: readonly string[]): Phrase | undefined {
  const [first, second, ...rest] = argv.filter((word) => word !== "--json");
  if (first === "help") return isNoun(second) ? { noun: second, verb: rest[0] } : undefined;
  if (first === "--url") return phraseOf(rest);
  if (!isNoun(first)) return undefined;
  if (second !== undefined && !second.startsWith("-")) return { noun: first, verb: second };
  return argv.includes("--help") || argv.includes("-h") ? { noun: first, verb: undefined } : undefined;
}

function isNoun(word: string | undefined): word is Category {
  return word !== undefined && Object.hasOwn(nouns, word);
}

/** Adds the verbs of a noun to its command, as the catalogue has them. Stops at a verb there is not. */
export async function addCatalogue(program: Command, { noun, verb }: Phrase, surroundings: Surroundings): Promise<void> {
  const [{ operations }, { addVerbs }] = await Promise.all([import("../../actors/operations.ts"), import("./catalogue-verbs.ts")]);
  const parent = program.commands.find((command) => command.name() === noun);
  if (parent === undefined) return;
  const ofNoun = operations.filter((operation) => operation.name.startsWith(`${noun}.`));
  const verbs = ofNoun.map((operation) => operation.name.slice(noun.length + 1));
  if (verb !== undefined && !verbs.includes(verb)) {
    const meant = nearestName(verb, verbs);
    const known = `Known: ${verbs.join(", ")}. Options of the list: odysseus ${noun} --help.`;
    throw usage(`There is no command odysseus ${noun} ${verb}.`, meant === undefined ? known : `Did you mean odysseus ${noun} ${meant}?`);
  }
  addVerbs(parent, ofNoun, surroundings);
}
