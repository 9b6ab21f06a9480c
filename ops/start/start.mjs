// `npm start`: installs what is missing and runs the control plane. Plain JavaScript without dependencies, because it runs
// before anything is installed, on any Node from 20 on.
import { homedir } from "node:os";
import { join } from "node:path";
import { runInForeground } from "./child.mjs";
import { exitCodes } from "./exit-codes.mjs";
import { ensureInstalled } from "./install.mjs";
import { checkoutRoot, findMachineProblem, findServerNode } from "./machine.mjs";

/** @param {string} line */
const say = (line) => void process.stderr.write(`${line}\n`);

async function start() {
  const problem = findMachineProblem() ?? (await ensureInstalled(checkoutRoot, "run", say));
  if (problem !== undefined) return refuse(problem);
  const node = findServerNode();
  if (node === undefined) {
    const sentence = `No Node.js 24 in ${checkoutRoot}/node_modules or on PATH: remove node_modules and run npm start again.`;
    return refuse({ sentence, exitCode: exitCodes.installFailed });
  }
  // Parsing the sources costs a second and 30 MB: the compiled form is kept in the user's cache, as the command line does.
  const cacheHome = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const environment = { NODE_COMPILE_CACHE: join(cacheHome, "odysseus", "compiled"), ...process.env };
  const main = join(checkoutRoot, "ops", "control-plane", "main.ts");
  return runInForeground(node, ["--disable-warning=ExperimentalWarning", main, ...process.argv.slice(2)], environment);
}

/** @param {import("./machine.mjs").Problem} problem */
function refuse(problem) {
  say(problem.sentence);
  return problem.exitCode;
}

process.exitCode = await start();
