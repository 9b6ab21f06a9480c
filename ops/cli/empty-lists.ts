/** What a list that holds nothing says, by the operation that lists: how the first one comes about. */
export const emptyLists = {
  "stacks.list": "No stacks yet. A Compose file makes one: odysseus apply compose.yaml --wait",
  "deployments.list": "No deployments yet. Begin with: odysseus deploy web --image nginx --replicas 3 --publish 8080:80 --wait",
  "containers.list": "No containers yet. odysseus deploy makes some.",
  "nodes.list": "No nodes yet. npm start joins this machine's engine as the first one.",
  "volumes.list":
    "No volumes yet. One that a Compose file names is made on the node of the first replica that mounts it: odysseus apply compose.yaml --wait",
  "certificates.list": "No certificates yet. A route gets one: odysseus update web --route app.example.com",
  "ingress.ports": "No balanced ports. odysseus deploy web --image nginx --publish 8080:80 makes one.",
  "ingress.routes": "No routes. odysseus update web --route app.example.com makes one.",
} as const;

export const NOTHING_MATCHES = "Nothing matches.";

/** Of any list. A filter that nothing passes says nothing of what there is. */
export function emptyText(operation: string, isFiltered: boolean): string {
  if (isFiltered) return NOTHING_MATCHES;
  return operation in emptyLists ? emptyLists[operation as keyof typeof emptyLists] : "Nothing to show.";
}
