import type { PlannedMember, PlannedStack } from "../../actors/stack/plan-stack.ts";
import { type Output, plain } from "./output.ts";

type Painter = Pick<Output, "paint">;

/** Members of one kind of change that are told one by one; of more, their number is told. */
const TOLD_OF_EACH = 20;

/** whole: of each member, however many there are. */
export type Told = "some" | "whole";

/** A plan like a good diff: what goes first, then what comes and changes, then what stays. */
export function planLines(out: Painter, { name, change, members }: PlannedStack, told: Told = "some"): readonly string[] {
  const inOrder = [
    ...members.filter((member) => member.change === "remove"),
    ...members.filter((member) => member.change !== "remove" && member.change !== "stays"),
    ...members.filter((member) => member.change === "stays"),
  ];
  return [
    out.paint("bold", `${name}: ${headline(change, members)}`),
    ...toldLines(out, inOrder, told, (member) => memberLines(out, member)),
  ];
}

/** What goes, said before it does. */
export function removalLines(out: Painter, { members }: PlannedStack, told: Told): readonly string[] {
  const removed = members.filter(({ change }) => change === "remove");
  return toldLines(out, removed, told, (member) => [out.paint("red", `- ${calledOf(member)}: will be removed, with its replicas`)]);
}

function toldLines(
  out: Painter,
  members: readonly PlannedMember[],
  told: Told,
  linesOf: (member: PlannedMember) => readonly string[],
): readonly string[] {
  const counts = new Map<PlannedMember["change"], number>();
  const lines = members.flatMap((member) => {
    const count = (counts.get(member.change) ?? 0) + 1;
    counts.set(member.change, count);
    return told === "whole" || count <= TOLD_OF_EACH ? linesOf(member) : [];
  });
  return [...lines, ...(told === "whole" ? [] : untoldLines(out, counts))];
}

const UNTOLD: Readonly<Record<PlannedMember["change"], string>> = {
  create: "to create",
  change: "to change",
  restart: "to restart",
  remove: "to remove",
  none: "with nothing to change",
  stays: "that stay",
};

function untoldLines(out: Painter, counts: ReadonlyMap<PlannedMember["change"], number>): readonly string[] {
  const untold = [...counts].flatMap(([kind, count]) => (count > TOLD_OF_EACH ? [`${count - TOLD_OF_EACH} more ${UNTOLD[kind]}`] : []));
  return untold.length === 0 ? [] : [out.paint("dim", `  and ${untold.join(", ")}; --whole tells of each`)];
}

function headline(change: PlannedStack["change"], members: readonly PlannedMember[]): string {
  if (change === "none") return "nothing to change";
  const counted = (["create", "change", "restart", "remove"] as const).flatMap((kind) => {
    const count = members.filter((member) => member.change === kind).length;
    return count === 0 ? [] : [`${count} to ${kind}`];
  });
  return counted.join(", ");
}

function memberLines(out: Painter, member: PlannedMember): readonly string[] {
  const { deployment, change, diff, joins, replaces } = member;
  const called = calledOf(member);
  const notes = [
    ...(joins ? [`    ${deployment} stands alone now and becomes a member of the stack`] : []),
    ...placeLines(out, member),
    ...member.findings.map((finding) => out.paint("yellow", `    ! ${plain(finding)}`)),
  ];
  switch (change) {
    case "none":
      return [`  ${called}: nothing to change`];
    case "stays":
      return [`  ${called}: is not in the manifest and stays; --prune would remove it`];
    case "restart":
      return [out.paint("yellow", `~ ${called}: would be restarted; ${replacedWords(replaces)}`), ...notes];
    case "remove":
      return [out.paint("red", `- ${called}: would be removed, with its replicas`)];
    case "create":
      return [
        out.paint("green", `+ ${called}: would be created`),
        ...diff.filter(({ after }) => after !== undefined && after !== null).map(({ path, after }) => `    ${path}: ${shown(after)}`),
        ...notes,
      ];
    case "change":
      return [
        out.paint("yellow", `~ ${called}: would change; ${replacedWords(replaces)}`),
        ...diff.flatMap((field) => fieldLines(out, field)),
        ...notes,
      ];
  }
}

function replacedWords(replaces: PlannedMember["replaces"]): string {
  if (replaces === undefined || replaces.replicas === 0) return "no replica is replaced";
  const { replicas, because } = replaces;
  return `replaces ${replicas === 1 ? "1 replica" : `${replicas} replicas`} because ${because}`;
}

function calledOf({ service, deployment }: PlannedMember): string {
  return service === deployment ? service : `${service} (${deployment})`;
}

function placeLines(out: Painter, { nodes, pending, rejections, leftOut, images }: PlannedMember): readonly string[] {
  const places = Object.entries(nodes).map(([node, count]) => (count === 1 ? node : `${node} (${count})`));
  return [
    ...(places.length === 0 ? [] : [`    replicas would go to ${places.join(", ")}`]),
    ...leftOut.map(({ reason }) => `    other nodes would get none: ${plain(reason)}`),
    ...imageLines(out, images),
    ...(pending === 0 ? [] : [out.paint("yellow", `    ! ${pending} ${pending === 1 ? "replica" : "replicas"} would find no node now:`)]),
    ...(pending === 0 ? [] : rejections.map(({ reason, remedy }) => out.paint("yellow", `      ${plain(reason)}. ${plain(remedy)}`))),
  ];
}

/** Where it is missing for good is a finding. */
function imageLines(out: Painter, images: PlannedMember["images"]): readonly string[] {
  const on = (kind: PlannedMember["images"][number]["image"]): string =>
    images.flatMap(({ node, image }) => (image === kind ? [node] : [])).join(", ");
  const [present, pulled] = [on("present"), on("pull")];
  const known = [...(present === "" ? [] : [`is there on ${present}`]), ...(pulled === "" ? [] : [`would be pulled on ${pulled}`])];
  const unknown = Map.groupBy(
    images.filter(({ image }) => image === "unknown"),
    ({ reason }) => reason ?? "",
  );
  return [
    ...(known.length === 0 ? [] : [`    its image ${known.join(", and ")}`]),
    ...[...unknown].map(([reason, nodes]) =>
      out.paint("yellow", `    ! whether its image is on ${nodes.map(({ node }) => node).join(", ")} is not known: ${plain(reason)}`),
    ),
  ];
}

function fieldLines(out: Painter, { path, before, after }: PlannedMember["diff"][number]): readonly string[] {
  const minus = before === undefined || before === null ? [] : [out.paint("red", `    - ${path}: ${shown(before)}`)];
  const plus = after === undefined || after === null ? [] : [out.paint("green", `    + ${path}: ${shown(after)}`)];
  return [...minus, ...plus];
}

/** A field's value in one short piece. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return "(none)";
  return plain(typeof value === "string" ? value : JSON.stringify(value));
}
