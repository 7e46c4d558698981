export { Client } from "./client/client.js";
export * from "./client-exports.js";
