import { exitCodes as startCodes } from "../start/exit-codes.mjs";

/**
 * How `odysseus` ends: one code per kind of failure, so that a script can tell them apart. Codes below 40 are shared with `npm start`;
 * a code is never given a second meaning.
 */
export const exitCodes = {
  ok: startCodes.ok,
  bug: startCodes.bug,
  usage: startCodes.usage,
  notInstalled: startCodes.installFailed,
  unreachable: 40,
  notSignedIn: 41,
  notAllowed: 42,
  notFound: 43,
  invalid: 44,
  conflict: 45,
  unavailable: 46,
  serverFault: 47,
  rolloutFailed: 50,
  rolledBack: 51,
  superseded: 52,
  waitTimedOut: 53,
  changes: 60,
  interrupted: 130,
  pipeClosed: 141,
  terminated: 143,
} as const;

export type ExitName = keyof typeof exitCodes;

const meanings: Readonly<Record<ExitName, string>> = {
  ok: "Done; with `--wait`, the rollout succeeded.",
  bug: "A fault of the command line itself.",
  usage: "The command was not understood: unknown command or option, missing or malformed argument.",
  notInstalled: "The dependencies are not installed; `npm start` installs them.",
  unreachable: "Nothing answers at the control plane's address.",
  notSignedIn: "No usable profile, or the token was not accepted.",
  notAllowed: "Your role may not do this.",
  notFound: "What was named does not exist.",
  invalid: "A value or a manifest was refused; each field is named.",
  conflict: "Refused in the present state: the name is taken, the generation has moved on, nothing to roll back to.",
  unavailable: "The control plane answers but cannot serve this now; the same command may succeed later.",
  serverFault: "A fault of the control plane; report the correlation id.",
  rolloutFailed: "The rollout failed.",
  rolledBack: "The rollout failed and was rolled back; the earlier revision runs.",
  superseded: "Another change replaced the rollout before it ended.",
  waitTimedOut: "`--timeout` passed while waiting; the rollout goes on.",
  changes: "`plan`: something would change. 0 says that nothing would, 44 that the manifest is refused.",
  interrupted: "Ctrl-C while waiting or following; what was asked for goes on.",
  terminated: "Ended by SIGTERM; what was asked for goes on.",
  pipeClosed: "The reader of the output went away, as in `| head`.",
};

/** Rows of the README's table "Exit codes". */
export function exitCodeRows(): string {
  const rows = Object.entries(exitCodes).map(([name, code]) => `| ${code} | ${meanings[name as ExitName]} |`);
  return ["| code | meaning |", "| --- | --- |", ...rows].join("\n");
}
