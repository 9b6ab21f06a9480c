import { z } from "zod";

/** Items of a page, unless asked for otherwise, and at most. */
const DEFAULT_PAGE_ITEMS = 100;
export const MAX_PAGE_ITEMS = 500;

/** What `next` of a page is made of: text in base64url. Anything else was not given by us. */
function isCursor(text: string): boolean {
  return Buffer.from(Buffer.from(text, "base64url").toString()).toString("base64url") === text;
}

export const Limit = z.int().min(1).max(MAX_PAGE_ITEMS).default(DEFAULT_PAGE_ITEMS).describe("Items of a page.");
export const Cursor = z
  .string()
  .min(1)
  .max(500)
  .refine(isCursor, "is not a cursor; pass `next` of the page before, unchanged")
  .optional()
  .describe("`next` of the page before.");

/** Milliseconds since the epoch. */
export const TimeMs = z.int().min(0).max(8_640_000_000_000_000);

/** Fields that every list takes. */
export const paging = { limit: Limit, cursor: Cursor };

/** Answer of a list: `next` is absent on the last page; `asOfOffset` is the journal offset the answer is true as of. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().optional(), asOfOffset: z.int() });
}

export function cursorOf(position: string): string {
  return Buffer.from(position).toString("base64url");
}

export function positionOf(cursor: string): string {
  return Buffer.from(cursor, "base64url").toString();
}

/** Leaves `next` out where there is none. */
export function page<Item>(items: readonly Item[], next: string | undefined, asOfOffset: number) {
  return { kind: "ok" as const, value: { items, ...(next === undefined ? {} : { next }), asOfOffset } };
}
