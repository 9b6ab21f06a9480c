import { type Everyday, type Flag, generation, waiting } from "./everyday-entry.ts";

const stackName = ["<stack>", "the stack"] as const;
const manifests = ["[files...]", "manifests, later ones over earlier ones; - for stdin; none: compose.yaml of this folder"] as const;
const manifestFlags: readonly Flag[] = [
  { flags: "-p, --project-name <name>", description: "of the stack; absent: name: of the manifest, else the folder's" },
  { flags: "-f, --file <file>", description: "a manifest, as without the flag", repeats: true },
  { flags: "--profile <name>", description: "with the services of this profile; '*' for all", repeats: true },
  { flags: "--env-file <file>", description: "variables, in place of .env in the project's folder", repeats: true },
  { flags: "--project-directory <folder>", description: "what paths in manifests are relative to; absent: the first manifest's folder" },
];

const stack = () => import("./commands/stack.ts");

/** What is said of manifests and of the stacks they make. */
export const everydayStacks: readonly Everyday[] = [
  {
    name: "apply",
    arguments: [manifests],
    summary: "Make a stack what a Compose file says",
    options: [
      ...manifestFlags,
      { flags: "--prune", description: "remove members that the manifest does not name; they are shown first" },
      { flags: "--whole", description: "with --prune: show each of them, however many there are" },
      {
        flags: "--on-failure <what>",
        description: "when one member fails: rollback takes all back, pause leaves all where they are (rollback)",
        choices: ["rollback", "pause"],
      },
      ...waiting,
      generation,
    ],
    examples: [
      "odysseus apply compose.yaml --wait",
      "odysseus apply -p shop -f compose.yaml -f production.yaml --env-file production.env --prune",
      "cat compose.yaml | odysseus apply - --json",
    ],
    load: async () => (await import("./commands/manifest.ts")).apply,
  },
  {
    name: "plan",
    arguments: [manifests],
    summary: "Show what apply would change, field by field; nothing is done",
    options: [
      ...manifestFlags,
      { flags: "--prune", description: "as apply --prune would" },
      { flags: "--whole", description: "tell of each member, however many there are" },
    ],
    examples: ["odysseus plan compose.yaml", "odysseus plan --profile debug --prune"],
    load: async () => (await import("./commands/manifest.ts")).plan,
  },
  {
    name: "export",
    arguments: [["<what>", "a stack, or a deployment that stands alone"]],
    summary: "Write a Compose file that plans to no change",
    options: [{ flags: "--format <format>", description: "compose (the only one so far)", choices: ["compose"] }],
    examples: ["odysseus export shop > compose.yaml", "odysseus export web --format compose"],
    load: async () => (await import("./commands/export.ts")).exportManifest,
  },
  {
    name: "stacks",
    arguments: [],
    summary: "List the stacks",
    options: [],
    examples: ["odysseus stacks", "odysseus stacks get shop --json"],
    load: async () => (await stack()).stacks,
  },
  {
    below: "stack",
    name: "show",
    arguments: [stackName],
    summary: "Show the members of a stack, and what was changed by hand",
    options: [{ flags: "--all", description: "each member; otherwise of more than 50 those that are not well, and how many there are" }],
    examples: ["odysseus stack show shop", "odysseus stack show shop --all"],
    load: async () => (await stack()).showStack,
  },
  {
    below: "stack",
    name: "history",
    arguments: [stackName],
    summary: "Show who changed a stack, what, when, and how it ended",
    options: [{ flags: "--limit <number>", description: "how many changes (50)" }],
    examples: ["odysseus stack history shop"],
    load: async () => (await import("./commands/history.ts")).stackHistory,
  },
  {
    below: "stack",
    name: "restart",
    arguments: [stackName, ["[services...]", "only these, and what depends on them with restart: true; none: all that run on"]],
    summary: "Replace the replicas of a stack as they are, in the order of depends_on",
    options: [...waiting, generation],
    examples: ["odysseus stack restart shop --wait", "odysseus stack restart shop redis web"],
    load: async () => (await stack()).restartStack,
  },
  {
    below: "stack",
    name: "rollback",
    arguments: [stackName],
    summary: "Take every member back to an earlier revision of the stack",
    options: [{ flags: "--to <revision>", description: "which one; absent: the last that succeeded before" }, ...waiting, generation],
    examples: ["odysseus stack rollback shop --wait", "odysseus stack rollback shop --to 3"],
    load: async () => (await stack()).rollbackStack,
  },
  {
    below: "stack",
    name: "delete",
    arguments: [stackName],
    summary: "Remove a stack and all its members",
    options: [...waiting, generation],
    examples: ["odysseus stack delete shop --wait"],
    load: async () => (await stack()).removeStack,
  },
];
