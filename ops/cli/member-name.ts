import { memberName } from "../../actors/stack/names.ts";
import type { Action } from "./session.ts";

/** `shop/web` is the member of the stack shop that is its service web; any other word names a deployment as it is. */
function deploymentNamed(word: string): string {
  const [stack = "", service, ...rest] = word.split("/");
  return service === undefined || service === "" || rest.length > 0 ? word : memberName(stack, service);
}

/** For commands about a deployment: its name is their first argument, or their option `--deployment`. */
export function namingMembers(action: Action, isFirstArgument: boolean): Action {
  return (session, [first, ...others], options) => {
    const { deployment } = options;
    const args = first === undefined ? [] : [isFirstArgument ? deploymentNamed(first) : first, ...others];
    return action(session, args, typeof deployment === "string" ? { ...options, deployment: deploymentNamed(deployment) } : options);
  };
}
