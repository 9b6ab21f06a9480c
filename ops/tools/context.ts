import { createInterface } from "node:readline/promises";

/** What provisioning may use of the outside. */
export interface ProvisionContext {
  /** Where tools that we bring are kept: `tools` in the state directory. */
  readonly toolsFolder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Tells the person about a step that takes time, one line each. */
  readonly say: (line: string) => void;
  /** Whether the machine may be changed; `what` names the change in words. */
  readonly consent: (what: string) => Promise<boolean>;
}

/** Agrees to everything: for `--yes`, and where there is no terminal to ask at. */
export async function alwaysConsent(): Promise<boolean> {
  return true;
}

/** Asks at the terminal, once: the answer holds for everything after it. Only an outright no refuses. */
export function consentFromTerminal(): (what: string) => Promise<boolean> {
  let answer: Promise<boolean> | undefined;
  return (what) => (answer ??= ask(what));
}

async function ask(what: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const reply = await terminal.question(`Odysseus needs to ${what}, and may install what else is missing. Go on? [Y/n] `);
    return !/^\s*n/i.test(reply);
  } finally {
    terminal.close();
  }
}
