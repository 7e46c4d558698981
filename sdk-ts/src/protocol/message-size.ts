/** How large the messages of a host may be, and how large they are (P10). All sizes in bytes. */
import { WorkRequestSchema } from "@cloaca/protocol";
import { encoderOf } from "@cloaca/protocol/codec";
import { DefinitionError } from "../errors/definition-error.js";
import { quote } from "../errors/quote.js";
import { encodeEvent, offerBytes } from "./encode.js";
import type { Offer } from "./words.js";

/** What a scheduler takes that has not said its limit yet: most do, and it is what gRPC takes by default. */
export const USUAL_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** What each scheduler takes. */
export const LEAST_MAX_MESSAGE_BYTES = 64 * 1024;

const encode = encoderOf(WorkRequestSchema);

/** That an offer is larger than a message may be, and what would be right; null when it fits. */
export function oversize(offer: Offer, maxMessageBytes: number): DefinitionError | null {
  // The estimate is never too small, and costs little.
  if (offerBytes(offer) <= maxMessageBytes) return null;
  const bytes = registrationBytes(offer);
  if (bytes <= maxMessageBytes) return null;
  const name = offer.definitions[0]?.name ?? offer.implementations[0]?.workflow ?? "";
  const found = `takes ${bytes} bytes to register, and the scheduler takes messages of at most ${maxMessageBytes}`;
  const remedy = `start the scheduler with --max-message-bytes ${bytes} or more, or make several workflows of this one`;
  return new DefinitionError(`workflow ${quote(name)}`, [{ path: "", message: `${found}; ${remedy}` }]);
}

/** The size of a message that registers an offer and says nothing else. As a part of a `Hello` it takes no more. */
function registrationBytes(offer: Offer): number {
  const event = encodeEvent({ seq: Number.MAX_SAFE_INTEGER, event: { type: "register", offer } });
  return encode({ events: [event] }).length;
}
