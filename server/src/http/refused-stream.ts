/** A stream that was refused before its request was read: its status is 200 by then, and what is wrong is in its last envelope. */
import type { ConnectError } from "@connectrpc/connect";
import {
  type Compression,
  encodeEnvelope,
  pipe,
  transformDecompressEnvelope,
  transformSplitEnvelope,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamFromJson, endStreamToJson } from "@connectrpc/connect/protocol-connect";
import { findTrailerError, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerParse, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";

/** An answer is ours, and may be as long as it is. */
export const ANY_LENGTH = 0xffff_ffff;

/** What the library says → what is said instead. */
type Explain = (error: ConnectError) => ConnectError;

/** The answer with another error in its end, if it has one. Its only envelope is the end, since nothing was read. */
export function explainedStream(
  answer: UniversalServerResponse,
  compressions: readonly Compression[],
  explain: Explain,
): UniversalServerResponse {
  const { body, header } = answer;
  if (body === undefined) return answer;
  const encoding = header?.get("Connect-Content-Encoding") ?? header?.get("Grpc-Encoding");
  const compression = compressions.find(({ name }) => name === encoding) ?? null;
  const envelopes = pipe(
    body,
    transformSplitEnvelope(ANY_LENGTH),
    transformDecompressEnvelope(compression, ANY_LENGTH),
  );
  return { ...answer, body: withEndsExplained(envelopes, explain) };
}

async function* withEndsExplained(
  envelopes: AsyncIterable<{ flags: number; data: Uint8Array }>,
  explain: Explain,
): AsyncIterable<Uint8Array> {
  for await (const { flags, data } of envelopes) yield encodeEnvelope(flags, endExplained(flags, data, explain));
}

function endExplained(flags: number, data: Uint8Array, explain: Explain): Uint8Array {
  if (flags === endStreamFlag) {
    const { metadata, error } = endStreamFromJson(data);
    return new TextEncoder().encode(JSON.stringify(endStreamToJson(metadata, error && explain(error), undefined)));
  }
  if (flags === trailerFlag) {
    const trailer = trailerParse(data);
    const error = findTrailerError(trailer);
    if (error !== undefined) setTrailerStatus(trailer, explain(error));
    return trailerSerialize(trailer);
  }
  return data;
}
