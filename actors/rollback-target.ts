/** What revisions of a deployment and of a stack have in common. */
interface Repeatable {
  readonly number: number;
  readonly contentOf: number;
  readonly provenAtMs: number | undefined;
}

/** Without a number: the newest revision before the present content that once succeeded. So a second rollback goes one further back. */
export function rollbackTarget<Revision extends Repeatable>(
  revisions: readonly Revision[],
  presentContent: number,
  to: number | undefined,
): Revision | undefined {
  if (to !== undefined) return revisions.find(({ number }) => number === to);
  return revisions.findLast(
    ({ number, contentOf, provenAtMs }) => number < presentContent && contentOf === number && provenAtMs !== undefined,
  );
}
