import type { ActorView } from "../../../runtime/actor.ts";
import type { Colour } from "../output.ts";
import { ask } from "../routes.ts";
import { type Action, text } from "../session.ts";
import { table } from "../table.ts";

/** What the API gives at once; more actors than that are counted and not shown. */
const MAX_SHOWN = 500;

const phaseColours: Readonly<Partial<Record<ActorView["phase"], Colour>>> = { quarantined: "red", "backing-off": "yellow", held: "yellow" };

export const actors: Action = async (session, _args, options) => {
  const { out } = session;
  const query = { phase: text(options, "phase"), limit: MAX_SHOWN };
  const found = await ask<{ readonly items: readonly ActorView[]; readonly total: number }>(session.api(), "actors.list", { query });
  if (out.json) return out.document(found);
  if (found.items.length === 0) return out.note("No actor is in that phase.");
  const columns = [
    { title: "ACTOR", least: 12 },
    { title: "PHASE" },
    { title: "WAITING", align: "right" },
    { title: "RESTARTS", align: "right" },
    { title: "EVENTS", align: "right" },
    { title: "FAILURE", least: 12 },
  ] as const;
  const rows = found.items.map(({ address, phase, depth, restarts, version, failure = "" }) => {
    const colour = phaseColours[phase];
    const phaseCell = colour === undefined ? phase : { text: phase, colour };
    return [address, phaseCell, String(depth), String(restarts), String(version), failure];
  });
  for (const line of table(out, columns, rows)) out.line(line);
  if (found.total > found.items.length) out.note(`${found.total - found.items.length} more are not shown.`);
};

export const resume: Action = async (session, [address = ""], options) => {
  const poison = text(options, "poison") ?? "retry";
  const answer = await ask<unknown>(session.api(), "actors.resume", { name: address, body: { poison } });
  if (session.out.json) session.out.document(answer);
  else session.out.line(`${address}: goes on ${poison === "retry" ? "with" : "without"} what it failed on`);
};
