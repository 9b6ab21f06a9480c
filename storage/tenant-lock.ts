import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { openErrorOf, TenantFileError } from "./failure.ts";

const FILE_MODE = 0o600;

/**
 * One process at a time per tenant's file. The lock is SQLite's own on an empty database, so the kernel lifts it when the process ends however it ends;
 * the note beside it only tells a second process who holds it. Throws `TenantFileError`.
 */
export function lockTenant(files: { readonly data: string; readonly lock: string; readonly holder: string }): { release(): void } {
  let db: Database.Database | undefined;
  try {
    db = openLock(files.lock);
    db.exec("begin exclusive");
    writeFileSync(files.holder, JSON.stringify({ pid: process.pid, sinceMs: Math.round(performance.timeOrigin) }), { mode: FILE_MODE });
    const held = db;
    return { release: () => void held.close() };
  } catch (error) {
    db?.close();
    const known = openErrorOf(error, files.data);
    if (!(known instanceof TenantFileError) || known.problem !== "in-use") throw known;
    throw new TenantFileError("in-use", files.data, `another Odysseus${holderOf(files.holder)} is using it; stop that one first`, error);
  }
}

/** A file that exists is left to SQLite: closing another descriptor of it in this process would lift a lock held here. */
function openLock(path: string): Database.Database {
  if (!existsSync(path)) closeSync(openSync(path, "a", FILE_MODE));
  return new Database(path, { timeout: 0 });
}

function holderOf(path: string): string {
  try {
    const { pid } = JSON.parse(readFileSync(path, "utf8")) as { readonly pid: number };
    return ` (process ${pid})`;
  } catch {
    return "";
  }
}
