import { z } from "zod";
import { LABEL, OWN_LABEL } from "../labels.ts";
import type { DockerConnection } from "./docker-connection.ts";
import { ListedContainer } from "./docker-observed.ts";
import type { EngineOwner } from "./owner.ts";
import { CLAIM_VOLUME, claimOf, foreignTenantAmong, type EngineClaim } from "./ownership.ts";

const LIST_DEADLINE_MS = 30_000;
const CLAIM_DEADLINE_MS = 10_000;
const doing = "asking whose the engine is";

const Volume = z.object({ Labels: z.record(z.string(), z.string()).nullish() });

/** Two labels are two questions: the engine knows no "or" between them. */
export async function claimEngine(connection: DockerConnection, owner: EngineOwner): Promise<EngineClaim> {
  for (const label of [LABEL.tenant, OWN_LABEL.node]) {
    const query = { all: true, filters: JSON.stringify({ label: [label] }) };
    const call = { method: "GET", path: "/containers/json", query, doing, deadlineMs: LIST_DEADLINE_MS } as const;
    const found = await connection.ask(call, z.array(ListedContainer));
    const refused = foreignTenantAmong(
      owner,
      found.map(({ Labels }) => Labels),
    );
    if (refused !== undefined) return refused;
  }
  // One that is there already stays as it is. An engine that was restarted leaves its labels out of this answer, so they are asked for.
  const body = { Name: CLAIM_VOLUME, Labels: { [LABEL.tenant]: owner.tenant, [LABEL.node]: owner.node } };
  await connection.command({ method: "POST", path: "/volumes/create", body, doing, deadlineMs: CLAIM_DEADLINE_MS });
  const call = { method: "GET", path: `/volumes/${CLAIM_VOLUME}`, doing, deadlineMs: CLAIM_DEADLINE_MS } as const;
  return claimOf(owner, (await connection.ask(call, Volume)).Labels ?? {});
}
