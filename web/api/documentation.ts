import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import type { Operation } from "../../actors/catalogue.ts";
import { manifestSchema } from "../../actors/manifest/extension-contract.ts";
import type { RefusalTraits } from "../../runtime/refusal.ts";
import { SESSION_COOKIE } from "./auth/guard.ts";
import { docsPage, type OpenApiDocument } from "./docs-page.ts";
import { htmlPage, PAGE_POLICY } from "./html.ts";

export interface DocumentationOptions {
  readonly operations: readonly Operation[];
  readonly version: string;
  readonly prefix: string;
  /** Everything that can be answered: our own refusals and the domain's. */
  readonly errors: Readonly<Record<string, RefusalTraits>>;
}

/** Must be awaited before the first route is made: the document is built from what is registered after it. */
export async function collectRoutes(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Odysseus",
        version,
        description: "Runs containers on your own Docker hosts. A readable form of this document is at /docs.",
      },
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer" },
          session: { type: "apiKey", in: "cookie", name: SESSION_COOKIE },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
  });
}

const WELCOME = `<h1>Odysseus VERSION is running</h1>
<p>Use it from the command line with <code>npx odysseus</code>, or over its API: <a href="/docs">documentation</a>, <a href="/openapi.json">OpenAPI</a>.</p>`;

/** `/`, `/openapi.json`, `/x-odysseus.schema.json` and `/docs`, made once: the catalogue does not change while the server runs. */
export function installDocumentation(app: FastifyInstance, options: DocumentationOptions): void {
  let page: string | undefined;
  app.get("/", { schema: { hide: true } }, async (_request, reply) =>
    reply
      .header("content-security-policy", PAGE_POLICY)
      .type("text/html; charset=utf-8")
      .send(htmlPage("Odysseus", WELCOME.replace("VERSION", options.version))),
  );
  app.get("/openapi.json", { schema: { hide: true } }, async (_request, reply) =>
    reply.type("application/json; charset=utf-8").send(JSON.stringify(app.swagger())),
  );
  app.get("/x-odysseus.schema.json", { schema: { hide: true } }, async (_request, reply) =>
    reply.type("application/schema+json; charset=utf-8").send(JSON.stringify(manifestSchema())),
  );
  app.get("/docs", { schema: { hide: true } }, async (_request, reply) => {
    page ??= docsPage(options.operations, app.swagger() as unknown as OpenApiDocument, options.prefix, options.errors);
    return reply.header("content-security-policy", PAGE_POLICY).type("text/html; charset=utf-8").send(page);
  });
}
