import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { connect, createServer } from "node:net";

/**
 * Holds the checkout's install lock while `work` runs; others wait their turn. The lock is a listening socket in the kernel's
 * abstract namespace: it ends with its process, however that ends, and leaves nothing to clean up.
 * @template T
 * @param {string} root the checkout
 * @param {() => void} onWait called once when somebody else holds it
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withInstallLock(root, onWait, work) {
  const path = `\0odysseus-install-${createHash("sha256").update(realpathSync(root)).digest("hex").slice(0, 32)}`;
  let isWaiting = false;
  for (;;) {
    const lock = await tryListen(path);
    if (lock !== undefined) {
      try {
        return await work();
      } finally {
        lock.close();
      }
    }
    if (!isWaiting) onWait();
    isWaiting = true;
    await closedBy(path);
  }
}

/**
 * @param {string} path
 * @returns {Promise<{ close(): void } | undefined>} undefined when somebody else listens
 */
function tryListen(path) {
  return new Promise((resolve, reject) => {
    /** @type {Set<import("node:net").Socket>} */
    const waiters = new Set();
    const server = createServer((socket) => {
      waiters.add(socket);
      socket.on("close", () => waiters.delete(socket)).on("error", () => waiters.delete(socket));
    });
    server.on("error", (error) => {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen({ path }, () =>
      resolve({
        close() {
          server.close();
          for (const socket of waiters) socket.destroy();
        },
      }),
    );
  });
}

/**
 * Resolves when the holder has closed the lock.
 * @param {string} path
 * @returns {Promise<void>}
 */
function closedBy(path) {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.resume();
  });
}
