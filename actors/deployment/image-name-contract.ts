import type { PinnedImage } from "./contract.ts";

/** `host:5000/team/app:1.2@sha256:...` into `host:5000/team/app` and `1.2`. Without a tag it is `latest`. */
export function splitReference(reference: string): { readonly repository: string; readonly tag: string } {
  const named = reference.split("@")[0] ?? reference;
  const colon = named.lastIndexOf(":");
  return colon > named.lastIndexOf("/")
    ? { repository: named.slice(0, colon), tag: named.slice(colon + 1) }
    : { repository: named, tag: "latest" };
}

/** As engines shorten it: `docker.io/library/nginx` is `nginx`. */
export function familiarRepository(reference: string): string {
  return splitReference(reference)
    .repository.replace(/^(?:index\.)?docker\.io\//, "")
    .replace(/^library\//, "");
}

/**
 * The name under which an engine that has a pinned image lists it: `nginx@sha256:...`, or its id where no registry has it. The same content under another
 * repository's name has to be pulled as well, which is quick.
 */
export function listedName({ source, reference, digest }: PinnedImage): string {
  return source === "node" ? digest : `${familiarRepository(reference)}@${digest}`;
}
