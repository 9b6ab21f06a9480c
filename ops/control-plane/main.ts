import { join } from "node:path";
import { profilePath } from "../cli/profile.ts";
import { exitCodes } from "../start/exit-codes.mjs";
import { consoleLog } from "../console-log.ts";
import { startFailureOf } from "./failure.ts";
import { openHome } from "./home.ts";
import { parseOptions, type StartOptions } from "./options.ts";
import { run, type Running } from "./run.ts";

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const parsed = parseOptions(process.argv.slice(2), process.env, process.stdin.isTTY && process.stderr.isTTY);
switch (parsed.kind) {
  case "help":
    process.stdout.write(parsed.text);
    break;
  case "wrong":
    say(parsed.sentence);
    process.exitCode = exitCodes.usage;
    break;
  case "start":
    process.exitCode = await serve(parsed.options);
    // Every part has been stopped; whatever still holds the loop must not hold the person.
    process.exit();
}

/** Runs until it is told to end, and answers with the exit code. */
async function serve(options: StartOptions): Promise<number> {
  let running: Running | undefined;
  try {
    const home = openHome(options.home);
    const log = consoleLog({ name: "control-plane" }, home.log);
    const { promise: over, resolve: end } = Promise.withResolvers<number>();
    const giveUp = (sentence: string, exitCode: number): void => {
      say(sentence);
      end(exitCode);
    };
    endOnSignals(end);
    running = await Promise.race([run(options, { home, log, env: process.env, say, giveUp }), over.then(() => undefined)]);
    if (running !== undefined) process.stdout.write(welcome(options, running));
    const exitCode = await over;
    if (running !== undefined) say(`Stopping: the API, the agent, the control plane, NATS. ${afterwards(options)}`);
    await running?.stop();
    home.release();
    return exitCode;
  } catch (error) {
    const failure = startFailureOf(error);
    say(failure?.message ?? `Odysseus ended because of a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return failure?.exitCode ?? exitCodes.bug;
  }
}

/** The first signal ends everything in order, a second one at once. */
function endOnSignals(end: (exitCode: number) => void): void {
  let isEnding = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (isEnding) process.exit(128 + (signal === "SIGINT" ? 2 : 15));
      isEnding = true;
      end(exitCodes.ok);
    });
  }
}

function welcome(options: StartOptions, { url, signInLink }: Running): string {
  const image = options.nodes.kind === "simulated" ? "shop/web:1" : "nginx:alpine";
  const isUsualHome = join(options.home, "profile.json") === profilePath(process.env);
  return `Odysseus is ready: ${url}
Sign in (once, within 15 minutes): ${signInLink}

Three commands to try, in another terminal, from this folder:
${isUsualHome ? "" : `  export ODYSSEUS_HOME=${quoted(options.home)}\n`}  npx odysseus nodes
  npx odysseus deploy web --image ${image} --publish 8080:80 --health http:/ --wait
  npx odysseus logs web -f

Ctrl-C stops Odysseus. ${afterwards(options)}
`;
}

function afterwards({ nodes }: StartOptions): string {
  return nodes.kind === "simulated" ? "Simulated containers go with it; the next start makes them again." : "Containers stay as they are.";
}

/** A word for the shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
