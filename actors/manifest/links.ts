import type { Draft } from "./draft.ts";
import { different, type Rule } from "./fields.ts";

/** `links` of a service: it waits for the other one, which is found by its name anyway, and is restarted with it, as Compose has it. */
export const linksRule: Rule<Draft> = different(
  "The other service is found by its own name; another name for it is refused.",
  (reading, place, draft) => {
    for (const item of reading.items(place)) {
      const [name = "", alias = name] = (reading.text(item) ?? "").split(":");
      if (alias === name) draft.dependencies.push({ name, required: true, restart: true, condition: "started", at: item });
      else
        reading.refuse(
          item,
          `"${alias}" cannot be a name for ${name} in this service alone.`,
          `write aliases: [${alias}] on a network of ${name}.`,
        );
    }
  },
);
