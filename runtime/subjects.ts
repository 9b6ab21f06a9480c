/** Whether a subject falls under a pattern in which `*` stands for one segment. */
export function matchesSubject(pattern: string, subject: string): boolean {
  if (!pattern.includes("*")) return pattern === subject;
  const wanted = pattern.split(".");
  const given = subject.split(".");
  return wanted.length === given.length && wanted.every((segment, index) => segment === "*" || segment === given[index]);
}
