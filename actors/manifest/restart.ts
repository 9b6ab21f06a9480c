import type { Draft } from "./draft.ts";
import { different, type FieldTable, honoured, type Rule } from "./fields.ts";
import { durationMs } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";

/** `restart` of a service. `deploy.restart_policy` takes its place, as Compose has it. */
export const restartRule: Rule<Draft> = different(
  "Without it, replicas run again whenever they end, where Compose would leave them ended.",
  (reading, at, draft) => {
    const policy = reading.text(at);
    const [, attempts] = /^on-failure(?::(\d{1,4}))?$/.exec(policy ?? "") ?? [];
    if (policy === undefined || policy === "") return;
    if (policy === "always" || policy === "unless-stopped") draft.setRestart({ condition: "any" }, at);
    else if (policy === "no" || policy === "false") draft.setRestart({ condition: "none" }, at);
    else if (policy.startsWith("on-failure") && (policy === "on-failure" || attempts !== undefined))
      draft.setRestart({ condition: "on-failure", ...(attempts !== undefined && { maxAttempts: Number(attempts) }) }, at);
    else reading.invalid(at, `"${policy}" is not a way to restart.`, "write no, on-failure, on-failure:3, always or unless-stopped.");
  },
);

const duration =
  (field: "delayMs" | "windowMs"): ((reading: Reading, at: Place, draft: Draft) => void) =>
  (reading, at, draft) => {
    const amount = reading.amount(at, durationMs, "5s");
    if (amount !== undefined) draft.setRestart({ [field]: amount }, at);
  };

/** `deploy.restart_policy`. */
export const restartPolicy: FieldTable<Draft> = {
  condition: honoured((reading, at, draft) => {
    const condition = reading.oneOf(at, ["any", "on-failure", "none"]);
    if (condition !== undefined) draft.setRestart({ condition }, at);
  }),
  delay: different("The shortest pause; pauses grow from one failure to the next.", duration("delayMs")),
  max_attempts: honoured((reading, at, draft) => {
    const maxAttempts = reading.wholeNumber(at);
    // Zero is Compose's word for no limit.
    if (maxAttempts !== undefined && maxAttempts > 0) draft.setRestart({ maxAttempts }, at);
  }),
  window: different("Healthy for so long, earlier failures no longer count.", duration("windowMs")),
};
