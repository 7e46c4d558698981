import { RemoteError } from "../errors/index.js";

/** In the words of the gRPC and Connect libraries, and of proxies; not those of a rate that exceeds a limit. */
const WORDS = /(message|body|payload|size)\b.*\b(larger than|exceeds|too large)/i;

/** Whether a message was refused for its size, before anybody has read it. */
export function isTooLarge(error: unknown): error is RemoteError {
  if (!(error instanceof RemoteError)) return false;
  // The status is also that of proxies which let nobody call so often.
  return error.details.status === "RESOURCE_EXHAUSTED" && WORDS.test(error.message);
}
