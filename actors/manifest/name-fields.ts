import type { Draft, Spec } from "./draft.ts";
import { type FieldTable, honoured, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

type Dns = keyof NonNullable<Spec["dns"]>;

const dns = (field: Dns): Rule<Draft> =>
  honoured((reading, at, draft) => {
    const texts = reading.itemsOrOne(at).map((item) => reading.text(item) ?? "");
    if (texts.length > 0) draft.set("dns", { ...draft.spec.dns, [field]: texts }, at);
  });

/** Fields of a service about names it knows. */
export const nameFields: FieldTable<Draft> = {
  extra_hosts: honoured((reading, at, draft) => draft.set("extraHosts", readHosts(reading, at), at)),
  dns: dns("servers"),
  dns_search: dns("search"),
  dns_opt: dns("options"),
};

/** `name:address` or `name=address` in a list, or a mapping of names to one address or several. */
function readHosts(reading: Reading, at: Place): string[] {
  if (!reading.isList(at))
    return [...reading.fields(at)].flatMap(([name, place]) =>
      reading.itemsOrOne(place).map((item) => `${name}:${withoutBrackets(reading.text(item) ?? "")}`),
    );
  return reading.items(at).flatMap((item) => {
    const written = reading.text(item) ?? "";
    const [, name, address] = /^([^:=]+)[:=](.+)$/.exec(written) ?? [];
    if (name === undefined || address === undefined)
      return reading.invalid(item, `"${written}" is not a name with an address.`, "write name:10.0.0.1.") ?? [];
    return [`${name}:${withoutBrackets(address)}`];
  });
}

function withoutBrackets(address: string): string {
  return address.replace(/^\[(.*)\]$/, "$1");
}
