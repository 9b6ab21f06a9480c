/** `npm run bench -- NAME...`: each prints ratios against a named rival, from one run. Without a name all of them, one after the other. */
const benches = {
  tell: () => import("./tell.ts"),
  "ask-nats": () => import("./ask-nats.ts"),
  "durable-commands": () => import("./durable-commands.ts"),
  "slow-disk": () => import("./slow-disk.ts"),
  cluster: () => import("./cluster.ts"),
  ingress: () => import("./ingress.ts"),
  "ingress-cluster": () => import("./ingress-cluster.ts"),
  manifests: () => import("./manifests.ts"),
  stacks: () => import("./stacks.ts"),
} as const;

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(", ")}. There are: ${Object.keys(benches).join(", ")}.`);
  process.exitCode = 2;
} else {
  for (const [name, run] of Object.entries(benches)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    console.log(`\n${name}`);
    await run();
  }
}
