/** What a person reads who has not found the right words: the library answers with a bare status. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { CloacaError } from "../core/errors.js";
import { didYouMean } from "../core/nearest.js";
import { toConnectError } from "./connect-error.js";
import { ANY_LENGTH, explainedStream } from "./refused-stream.js";
import { endWhenRead } from "./unread.js";

const JSON_TYPE = "application/json";

/** Ways in which messages may be compressed. */
export const COMPRESSIONS = [compressionGzip, compressionBrotli] as const;

/** What a request is addressed to. */
export function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

/** Answers a request that does not reach a method; `as` is another HTTP status than that of the error's code. */
export function refuse(response: ServerResponse, thrown: unknown, as?: number): void {
  const { status, body } = answerTo(thrown);
  const headers = { "Content-Type": JSON_TYPE, "Content-Length": body.byteLength };
  endWhenRead(response, () => response.writeHead(as ?? status, headers).write(body));
}

/** There is no method of this name. */
export function nothingThere(request: IncomingMessage, paths: Iterable<string>): ConnectError {
  const path = pathOf(request);
  const message = `there is nothing at ${path}; methods are called with POST /cloaca.v1.RunService/ListRuns and the like`;
  const hint = request.method === "POST" ? didYouMean(path, paths) : "";
  return new ConnectError(hint === "" ? message : `there is no method ${path}${hint}`, Code.Unimplemented);
}

/**
 * The library's answer, with words where it has none, and with the code of a request that makes no sense where it says less.
 *
 * @param isRead whether the request was read; if so, an error is the method's own
 */
export async function explained(
  answer: UniversalServerResponse,
  method: DescMethod,
  isRead: boolean,
): Promise<UniversalServerResponse> {
  if (isRead) return answer;
  if (answer.status < 400) return explainedStream(answer, COMPRESSIONS, (error) => unreadable(error) ?? error);
  if (answer.body === undefined)
    return { ...answerWith(answer, wrongCall(answer.status, method)), status: answer.status };
  const body = await wholeOf(answer.body);
  const said = await decompressed(body, answer.header?.get("Content-Encoding"));
  const error = unreadable(errorFromJsonBytes(said, undefined, new ConnectError("the request could not be read")));
  return error === null ? { ...answer, body: inOne(body) } : answerWith(answer, error);
}

function answerWith(answer: UniversalServerResponse, error: unknown): UniversalServerResponse {
  const { status, body } = answerTo(error);
  const header = new Headers(answer.header);
  header.delete("Content-Encoding");
  header.set("Content-Type", JSON_TYPE);
  header.set("Content-Length", String(body.byteLength));
  return { status, header, body: inOne(body) };
}

function answerTo(thrown: unknown): { status: number; body: Uint8Array } {
  const error = toConnectError(thrown);
  return { status: codeToHttpStatus(error.code), body: errorToJsonBytes(error, undefined) };
}

function wrongCall(status: number, { name, methodKind }: DescMethod): ConnectError {
  if (status === 505) {
    const message = `${name} is a two-way stream and needs gRPC; over HTTP/1.1 there is HostService.Exchange`;
    return new ConnectError(message, Code.Unimplemented);
  }
  if (status === 405) return new ConnectError(`${name} is called with POST`, Code.InvalidArgument);
  const type = methodKind === "unary" ? "application/json" : "application/connect+json";
  return new ConnectError(
    `${name} takes content-type: ${type}, or ${type.replace("json", "proto")}`,
    Code.InvalidArgument,
  );
}

/** Of what could not be read the library says little, and of protobuf that the fault is ours. Null for other errors. */
function unreadable({ code, rawMessage }: ConnectError): ConnectError | null {
  if (code !== Code.InvalidArgument && code !== Code.Internal) return null;
  return toConnectError(new CloacaError("REQUEST_INVALID", rawMessage));
}

/** What is long is compressed where the caller takes that. */
async function decompressed(body: Uint8Array, encoding: string | null | undefined): Promise<Uint8Array> {
  const compression = COMPRESSIONS.find(({ name }) => name === encoding);
  return compression === undefined ? body : await compression.decompress(body, ANY_LENGTH);
}

async function wholeOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const part of body) chunks.push(part);
  return Buffer.concat(chunks);
}

async function* inOne(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
