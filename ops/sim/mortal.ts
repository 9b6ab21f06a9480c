import type { SimProcess } from "../../runtime/simulation/sim-process.ts";

/**
 * A port as one process sees it: calls of a process that was killed reach nothing, and answers that arrive after its death reach nobody. What the other side
 * had begun by then it still does, as a container engine would.
 */
export function mortal<Port extends object>(process: SimProcess, port: Port): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: readonly unknown[]): unknown => {
        if (!process.isAlive) return never();
        return gated(
          process,
          member.apply(
            target,
            args.map((arg) => (typeof arg === "function" ? unlessDead(process, arg as (...args: unknown[]) => unknown) : arg)),
          ) as unknown,
        );
      };
    },
  });
}

function gated(process: SimProcess, answer: unknown): unknown {
  if (answer instanceof Promise) return whileAlive(process, answer);
  if (typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer)
    return items(process, answer as AsyncIterable<unknown>);
  return answer;
}

function whileAlive<Value>(process: SimProcess, answer: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    answer.then(
      (value) => {
        if (process.isAlive) resolve(value);
      },
      (cause: unknown) => {
        if (process.isAlive) reject(cause);
      },
    );
  });
}

async function* items(process: SimProcess, all: AsyncIterable<unknown>): AsyncGenerator {
  for await (const item of all) {
    if (!process.isAlive) await never();
    yield item;
  }
  if (!process.isAlive) await never();
}

function unlessDead(process: SimProcess, call: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  return (...args) => (process.isAlive ? call(...args) : undefined);
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
