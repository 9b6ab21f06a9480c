import type { Draft, TopLevel } from "./draft.ts";
import { ServiceExtension, StackExtension } from "./extension-contract.ts";
import { honoured, type Rule } from "./fields.ts";
import type { Value } from "./value.ts";

const serviceNames = Object.keys(ServiceExtension.shape);

/** `x-odysseus` of a service. Read after all else; whether the values are in bounds is seen when the service is whole. */
export const extensionRule: Rule<Draft> = honoured((reading, place, draft) => {
  for (const [name, at] of reading.fields(place)) {
    if (serviceNames.includes(name)) draft.extend(name as keyof ServiceExtension, plainOf(at.value), at);
    else reading.unknown(at, name, serviceNames);
  }
});

/** `x-odysseus` of the manifest. */
export const stackExtensionRule: Rule<TopLevel> = honoured((reading, place, into) => {
  for (const [name, at] of reading.fields(place)) {
    if (name === "onFailure") into.onFailure = reading.oneOf(at, ["rollback", "pause"]);
    else reading.unknown(at, name, Object.keys(StackExtension.shape));
  }
});

/** As JSON would have it. A text that a variable filled in stays a text. */
function plainOf(value: Value): unknown {
  switch (value.kind) {
    case "map":
      return Object.fromEntries([...value.fields].map(([name, field]) => [name, plainOf(field)]));
    case "list":
      return value.items.map(plainOf);
    case "scalar":
      switch (value.type) {
        case "null":
          return null;
        case "boolean":
          return value.text.toLowerCase() === "true";
        case "number":
          return Number(value.text);
        case "string":
          return value.text;
      }
  }
}
