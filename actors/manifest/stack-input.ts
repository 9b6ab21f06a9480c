import type { MemberSpecInput, StackSpecInput } from "../stack/contract.ts";
import type { Manifest } from "./read-compose.ts";

/** What a manifest asks of its stack, in the words of `stacks.plan` and `stacks.apply`. */
export function stackInput({ services, onFailure }: Manifest, prune: boolean): StackSpecInput {
  const members = services.map(({ name: service, spec, after }): MemberSpecInput => ({ service, spec, after: [...after] }));
  return { members, prune, ...(onFailure !== undefined && { onFailure }) };
}
