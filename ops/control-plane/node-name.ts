import { isId } from "../../runtime/address.ts";

/** The machine's host name as an id: `Build_Box.lan` is node `build-box`. */
export function nodeNameOf(hostname: string): string {
  const name = (hostname.split(".")[0] ?? "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 63);
  return isId(name) ? name : "node-1";
}
