/** Conditions of a query, all of which must hold. It begins with the tenant, so that no query can be made without it. */
export class Filter {
  readonly #conditions: string[] = ["tenant = ?"];
  readonly #values: unknown[];

  constructor(tenant: string) {
    this.#values = [tenant];
  }

  and(condition: string, ...values: readonly unknown[]): this {
    this.#conditions.push(condition);
    this.#values.push(...values);
    return this;
  }

  /** No condition when there is no value. */
  andMaybe(condition: string, value: string | number | undefined): this {
    return value === undefined ? this : this.and(condition, value);
  }

  get sql(): string {
    return this.#conditions.join(" and ");
  }

  get values(): readonly unknown[] {
    return this.#values;
  }
}
