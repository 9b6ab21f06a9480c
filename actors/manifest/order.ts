import { didYouMean } from "./did-you-mean.ts";
import type { Draft } from "./draft.ts";
import type { Reading } from "./reading.ts";

/** What is known of the services a manifest names. */
export interface Named {
  readonly name: string;
  readonly draft: Draft;
}

/** Those that others depend on come first, otherwise in the order of the manifest. `idle` are the services of profiles that are not asked for. */
export function inOrder(reading: Reading, services: readonly Named[], idle: ReadonlySet<string>): readonly Named[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const state = new Map<string, "open" | "done">();
  const ordered: Named[] = [];
  for (const service of services) visit(service);
  return ordered;

  // A list instead of recursion: chains may be as long as there are services.
  function visit(first: Named): void {
    const stack = [{ service: first, next: 0 }];
    if (state.has(first.name)) return;
    state.set(first.name, "open");
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const dependency = top.service.draft.dependencies[top.next];
      top.next += 1;
      if (dependency === undefined) {
        state.set(top.service.name, "done");
        ordered.push(top.service);
        stack.pop();
        continue;
      }
      const { name, required, at } = dependency;
      const target = byName.get(name);
      if (target === undefined) {
        if (required)
          reading.findings.error(
            "reference",
            at,
            idle.has(name) ? `"${name}" belongs to a profile that is not asked for.` : `There is no service "${name}" to depend on.`,
            idle.has(name) ? "ask for its profile with --profile, or write required: false." : didYouMean(name, byName.keys()),
          );
      } else if (state.get(name) === "open") {
        reading.findings.error(
          "reference",
          at,
          `Services depend on each other in a circle, through "${name}".`,
          "leave one of them out of depends_on.",
        );
      } else if (state.get(name) === undefined) {
        state.set(name, "open");
        stack.push({ service: target, next: 0 });
      }
    }
  }
}
