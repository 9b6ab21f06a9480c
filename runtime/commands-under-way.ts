import type { AskFailureReason, Reply } from "./actor.ts";
import type { Asker } from "./open-asks.ts";

/** Who waits for which command of one actor. A command that comes again before it is answered is not decided again: both get the one answer. */
export class CommandsUnderWay {
  readonly #askers = new Map<string, Asker[]>();

  /** False: it is under way already, and this asker has joined those who wait for it. */
  begin(commandId: string, asker: Asker | undefined): boolean {
    const askers = this.#askers.get(commandId);
    if (askers === undefined) this.#askers.set(commandId, asker === undefined ? [] : [asker]);
    else if (asker !== undefined) askers.push(asker);
    return askers === undefined;
  }

  resolve(commandId: string, reply: Reply): void {
    for (const asker of this.#end(commandId)) asker.resolve(reply);
  }

  fail(commandId: string, reason: AskFailureReason, cause?: unknown): void {
    for (const asker of this.#end(commandId)) asker.fail(reason, cause);
  }

  #end(commandId: string): readonly Asker[] {
    const askers = this.#askers.get(commandId) ?? [];
    this.#askers.delete(commandId);
    return askers;
  }
}
