// Runs a file on the Node the server runs on, with the developer tools installed: `node ops/start/run.mjs FILE ARGUMENTS...`.
// An argument list may start with Node's own options, such as --watch. Every script of package.json but `start` goes through here.
import { runInForeground } from "./child.mjs";
import { exitCodes } from "./exit-codes.mjs";
import { ensureInstalled } from "./install.mjs";
import { checkoutRoot, findMachineProblem, findServerNode } from "./machine.mjs";

/** @param {string} line */
const say = (line) => void process.stderr.write(`${line}\n`);

async function run() {
  const problem = findMachineProblem() ?? (await ensureInstalled(checkoutRoot, "develop", say));
  const node = findServerNode();
  if (problem !== undefined || node === undefined) {
    say(problem?.sentence ?? `No Node.js 24 in ${checkoutRoot}/node_modules: remove node_modules and try again.`);
    return problem?.exitCode ?? exitCodes.installFailed;
  }
  return runInForeground(node, ["--disable-warning=ExperimentalWarning", ...process.argv.slice(2)]);
}

process.exitCode = await run();
