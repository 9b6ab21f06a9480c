import type { Action } from "./session.ts";

/** A command as a person meets it. Its code is loaded when it is run: `--help` and typos are answered before. */
export interface Everyday {
  /** It is said below another word: `stack rollback`. */
  readonly below?: "stack";
  readonly name: string;
  /** In commander's spelling: `<name>`, `[name]`, `[words...]`. */
  readonly arguments: readonly (readonly [spelling: string, description: string])[];
  readonly summary: string;
  readonly options: readonly Flag[];
  readonly examples: readonly string[];
  readonly load: () => Promise<Action>;
}

export interface Flag {
  readonly flags: string;
  readonly description: string;
  /** May be given several times. */
  readonly repeats?: true;
  readonly choices?: readonly string[];
}

export const waiting: readonly Flag[] = [
  { flags: "--wait", description: "show how it goes until it has ended; the exit code says how" },
  { flags: "--timeout <duration>", description: "stop waiting after so long, like 5m; the rollout goes on" },
];
export const generation: Flag = { flags: "--if-generation <number>", description: "refuse when somebody changed it since this generation" };
