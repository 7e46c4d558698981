/** `@cloaca/sdk/client` as a browser gets it: the same, by Connect over `fetch`. */
export { Client } from "./client/browser-client.js";
export * from "./client-exports.js";
