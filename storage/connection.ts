import { closeSync, openSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { damaged, openErrorOf } from "./failure.ts";

export const IN_MEMORY = ":memory:";

/** Larger files are checked by the backup job instead: a check reads the whole file, about 1 s per GiB from the page cache. */
const QUICK_CHECK_MAX_BYTES = 64 * 1024 * 1024;
/** The WAL is copied into the file when it has this many pages (4 KiB each): 16 MiB, so that a checkpoint's two fsyncs are shared by thousands of commits. */
const WAL_CHECKPOINT_PAGES = 4_000;
/** A WAL that grew beyond this while a reader held it open is cut back at the next checkpoint. */
const WAL_SIZE_MAX_BYTES = 64 * 1024 * 1024;
const CACHE_KIB = 16_000;
/** Another process holding the file (a backup, a person with the sqlite3 shell) is waited for this long; then the open or the group fails. */
const BUSY_TIMEOUT_MS = 5_000;
const FILE_MODE = 0o600;

/** The one writing connection of a tenant's file. Throws `TenantFileError`. */
export function openForWriting(path: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    // Made before SQLite does, with our mode; the WAL and its index inherit it.
    if (path !== IN_MEMORY) closeSync(openSync(path, "a", FILE_MODE));
    db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    refuseDamaged(db, path);
    db.pragma("journal_mode = wal");
    db.pragma("synchronous = full");
    db.pragma(`wal_autocheckpoint = ${WAL_CHECKPOINT_PAGES}`);
    db.pragma(`journal_size_limit = ${WAL_SIZE_MAX_BYTES}`);
    db.pragma(`cache_size = -${CACHE_KIB}`);
    return db;
  } catch (error) {
    db?.close();
    throw openErrorOf(error, path);
  }
}

/** A connection that can only read. The file exists already: the writer has made it. */
export function openForReading(path: string): Database.Database {
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    db.pragma("query_only = on");
    return db;
  } catch (error) {
    throw openErrorOf(error, path);
  }
}

function refuseDamaged(db: Database.Database, path: string): void {
  if (path === IN_MEMORY || statSync(path).size > QUICK_CHECK_MAX_BYTES) return;
  // Several lines; the last one says what, the others where.
  const finding =
    String(db.pragma("quick_check(1)", { simple: true }))
      .trim()
      .split("\n")
      .at(-1) ?? "";
  if (finding !== "ok") throw damaged(path, finding);
}
