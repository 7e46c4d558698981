import { CloacaError } from "../errors/index.js";
import { describeValue } from "./describe-value.js";
import type { Option } from "./option-table.js";

/**
 * The option `url`, which must be given.
 *
 * @param parse throws CloacaError for what is no address
 * @param form what to write, for example `grpc://host:port`
 */
export function addressOption(parse: (url: string) => unknown, form: string): Option {
  return {
    name: "url",
    missing: `is missing; write ${form}`,
    check(value) {
      if (typeof value !== "string") return `is ${describeValue(value)}; write ${form}`;
      try {
        parse(value);
        return null;
      } catch (error) {
        return error instanceof CloacaError ? error.message : String(error);
      }
    },
  };
}
