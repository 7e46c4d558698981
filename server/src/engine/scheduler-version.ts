/** Version of this package, as hosts and people see it. */
export const VERSION = "0.1.0";
