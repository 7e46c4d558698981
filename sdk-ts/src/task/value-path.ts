const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** A place in a value, from the context down: `$.orders[2]["unit price"]`. */
export function valuePath(segments: readonly (string | number)[]): string {
  let path = "$";
  for (const segment of segments) {
    if (typeof segment === "number") path += `[${segment}]`;
    else path += IDENTIFIER.test(segment) ? `.${segment}` : `[${JSON.stringify(segment)}]`;
  }
  return path;
}
