import type { Operation } from "../../actors/catalogue.ts";
import type { RefusalTraits } from "../../runtime/refusal.ts";
import { escapeHtml as e, htmlPage } from "./html.ts";
import { problemTitle, problemType } from "./problems.ts";

/** The parts of an OpenAPI 3.1 document this page reads. */
export interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, OpenApiOperation | undefined>>>>;
}
interface OpenApiOperation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: JsonSchema;
    readonly description?: string;
  }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: JsonSchema }>> };
  readonly responses?: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: JsonSchema }>> }>>;
}
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

type ErrorTable = Readonly<Record<string, RefusalTraits>>;

/** The documentation as one page: every operation of the catalogue, its input, answer, errors and examples, and every problem there is. */
export function docsPage(operations: readonly Operation[], document: OpenApiDocument, prefix: string, errors: ErrorTable): string {
  const categories = [...new Set(operations.map((operation) => categoryOf(operation)))];
  const body = [
    `<h1>Odysseus API</h1>`,
    `<p>The same operations as the command line and every other surface. Machine-readable: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>`,
    conventions(),
    `<nav aria-label="Operations"><ul>${operations.map((item) => `<li><a href="#${e(item.name)}">${e(item.name)}</a></li>`).join("")}</ul></nav>`,
    ...categories.map((category) => {
      const own = operations.filter((operation) => categoryOf(operation) === category);
      return `<section><h2>${e(problemTitle(category))}</h2>${own.map((operation) => operationHtml(operation, document, prefix)).join("\n")}</section>`;
    }),
    problemsHtml(errors),
  ];
  return htmlPage("Odysseus API", body.join("\n"));
}

function categoryOf(operation: Operation): string {
  return operation.name.split(".", 1)[0] ?? operation.name;
}

function conventions(): string {
  return `<h2>Conventions</h2><ul>
<li>Send <code>Authorization: Bearer TOKEN</code>. Bodies are JSON, times are milliseconds since 1970, lists give <code>next</code> to be passed as <code>cursor</code>.</li>
<li><code>Idempotency-Key</code> on any change: the same key acts once and is answered alike, also after a crash; with other input it is refused.</li>
<li><code>ETag</code> is the generation. <code>If-Match: "7"</code> on a change refuses it when somebody else was faster.</li>
<li>Streams are server-sent events. <code>Last-Event-ID</code> resumes after that event, without loss or doubling.</li>
<li>Errors are <a href="#problems">problems</a> (RFC 9457). <code>X-Correlation-Id</code> is taken over, or made, and ties together all that a request caused.</li>
</ul>`;
}

function operationHtml(operation: Operation, document: OpenApiDocument, prefix: string): string {
  const { method, path } = operation.http;
  const described = document.paths?.[`${prefix}${path}`]?.[method.toLowerCase()];
  const answer = Object.values(described?.responses?.["200"]?.content ?? {})[0]?.schema;
  return `<article id="${e(operation.name)}"><h3>${e(operation.name)}</h3>
<p><strong>${e(operation.title)}</strong> <span class="soft">${e(operation.effect)} · ${e(operation.roles.join(", "))}</span></p>
<p>${prose(operation.description)}</p>
<pre>${e(`${method} ${prefix}${path}`)}\n\nodysseus ${e(operation.example)}\n${e(curlOf(operation, prefix))}</pre>
${inputHtml(described)}
${answer === undefined ? "" : `<details><summary>Answer${operation.effect === "stream" ? " (data of each event)" : ""}</summary><pre>${e(JSON.stringify(answer, undefined, 2))}</pre></details>`}
${operation.errors.length === 0 ? "" : `<p class="soft">Errors: ${operation.errors.map((code) => `<a href="${e(problemType(code))}">${e(code)}</a>`).join(", ")}</p>`}
</article>`;
}

function curlOf(operation: Operation, prefix: string): string {
  const { method, path } = operation.http;
  const url = `$ODYSSEUS_URL${prefix}${path.replaceAll(/\{([A-Za-z0-9]+)\}/g, (_match, field: string) => field.toUpperCase())}`;
  const hasBody = method !== "GET" && method !== "DELETE";
  return `curl ${operation.effect === "stream" ? "-N " : ""}${method === "GET" ? "" : `-X ${method} `}-H "Authorization: Bearer $ODYSSEUS_TOKEN"${hasBody ? ` -H "Content-Type: application/json" -d '{...}'` : ""} "${url}"`;
}

interface InputField {
  readonly name: string;
  readonly place: string;
  readonly isRequired: boolean;
  readonly schema: JsonSchema;
  readonly description: string;
}

function inputHtml(operation: OpenApiOperation | undefined): string {
  const body = operation?.requestBody?.content?.["application/json"]?.schema;
  const fields: readonly InputField[] = [
    ...(operation?.parameters ?? []).map((item) => ({
      name: item.name,
      place: item.in,
      isRequired: item.required === true,
      schema: item.schema ?? {},
      description: item.description ?? item.schema?.description ?? "",
    })),
    ...Object.entries(body?.properties ?? {}).map(([name, schema]) => ({
      name,
      place: "body",
      isRequired: body?.required?.includes(name) === true,
      schema,
      description: schema.description ?? "",
    })),
  ];
  if (fields.length === 0) return `<p class="soft">No input.</p>`;
  const rows = fields.map(
    (field) =>
      `<tr><td><code>${e(field.name)}</code></td><td>${e(field.place)}${field.isRequired ? ", required" : ""}</td><td>${e(typeText(field.schema))}${
        field.schema.default === undefined
          ? ""
          : `<br><span class="soft">default <code>${e(JSON.stringify(field.schema.default))}</code></span>`
      }</td><td>${prose(field.description)}</td></tr>`,
  );
  return `<div class="wide"><table><thead><tr><th scope="col">Field</th><th scope="col">In</th><th scope="col">Value</th><th scope="col">Meaning</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

/** Descriptions put names of fields between backticks. */
function prose(text: string): string {
  return e(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

/** A longer pattern explains nothing to a person. */
const MAX_PATTERN_CHARACTERS = 60;

/** A schema in a few words: `number 1 to 500`, `one of "a", "b"`, `list of text`. */
export function typeText(schema: JsonSchema): string {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return alternatives.map(typeText).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.map((item) => JSON.stringify(item)).join(", ")}`;
  switch (schema.type) {
    case "array":
      return `list of ${typeText(schema.items ?? {})}`;
    case "object":
      return schema.properties === undefined ? "object" : `object { ${Object.keys(schema.properties).join(", ")} }`;
    case "string":
      return schema.pattern === undefined
        ? `text${rangeText(schema.minLength, schema.maxLength, " characters")}`
        : schema.pattern.length > MAX_PATTERN_CHARACTERS
          ? "text, its pattern in /openapi.json"
          : `text like /${schema.pattern}/`;
    case "integer":
      return `whole number${rangeText(schema.minimum, schema.maximum, "")}`;
    case "number":
      return `number${rangeText(schema.minimum, schema.maximum, "")}`;
    case "boolean":
      return "true or false";
    default:
      return "any value";
  }
}

function rangeText(least: number | undefined, most: number | undefined, unit: string): string {
  const low = least === undefined || least <= Number.MIN_SAFE_INTEGER ? undefined : least;
  const high = most === undefined || most >= Number.MAX_SAFE_INTEGER ? undefined : most;
  if (low !== undefined && high !== undefined) return `, ${low} to ${high}${unit}`;
  if (low !== undefined) return `, at least ${low}${unit}`;
  return high === undefined ? "" : `, at most ${high}${unit}`;
}

function problemsHtml(errors: ErrorTable): string {
  const rows = Object.entries(errors)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(
      ([code, entry]) =>
        `<tr id="problem-${e(code)}"><td><code>${e(code)}</code></td><td>${e(problemTitle(code))}</td><td>${entry.httpStatus}</td><td>${entry.retryable ? "yes" : "no"}</td></tr>`,
    );
  return `<section id="problems"><h2>Problems</h2>
<p>Every error is <code>application/problem+json</code>: <code>type</code>, <code>title</code>, <code>status</code>, <code>detail</code> (what is wrong and what to do), <code>code</code> (what programs look at),
<code>retryable</code>, <code>instance</code>, <code>correlationId</code>, and for input <code>errors</code> with a JSON pointer for each field.</p>
<div class="wide"><table><thead><tr><th scope="col">Code</th><th scope="col">Title</th><th scope="col">Status</th><th scope="col">May succeed later unchanged</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></section>`;
}
