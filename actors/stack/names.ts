/** The bound of a deployment's name. */
const MAX_NAME_CHARACTERS = 48;

/**
 * The deployment that is the service of a stack: `shop-web`, as Compose names it, so that two stacks may each have a service `web`. A service named
 * like its stack is just that. Where it would be too long, its end is a digest of the whole.
 */
export function memberName(stack: string, service: string): string {
  if (stack === service) return service;
  const name = `${stack}-${service}`;
  if (name.length <= MAX_NAME_CHARACTERS) return name;
  const digest = digestOf(name);
  return `${name.slice(0, MAX_NAME_CHARACTERS - digest.length - 1).replace(/-+$/, "")}-${digest}`;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a, 32 bits, in hexadecimal: short, and the same everywhere. */
function digestOf(text: string): string {
  let hash = FNV_OFFSET;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), FNV_PRIME) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
