import { isRefusal, type Refusal } from "../../runtime/refusal.ts";
import type { OperationContext } from "../catalogue.ts";
import { HOST_NAMES, type HostNamesCommand, type TakenHosts } from "./commands.ts";

/** Which of the names another tenant has; `reserve` also keeps those that nobody has. One message, however many there are. */
export async function takenHosts(
  kind: "look" | "reserve",
  hosts: readonly string[],
  { host, tenant, meta }: OperationContext,
  timeoutMs: number,
): Promise<readonly string[] | Refusal> {
  if (hosts.length === 0) return [];
  const command: HostNamesCommand = { kind, tenant, hosts };
  const asked = { ...meta, commandId: `${meta.commandId}/hosts`, via: "system" } as const;
  const reply = await host.ask(HOST_NAMES, command, asked, { timeoutMs });
  return isRefusal(reply) ? reply : (reply.value as TakenHosts).taken;
}
