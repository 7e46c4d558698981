/**
 * Encodes messages of our contract as protobuf. `toBinary` of protobuf-es interprets the descriptor again for each message, which
 * took a quarter of the scheduler's time: 8.3 µs for a lease, 1.2 µs here; 14 µs for a host's completion, 0.7 µs here
 * (`message-encoder.test.ts` holds one against the other). Here the descriptor becomes a list of functions once, and fields that
 * are not there are defaults, so that nobody has to `create` a message only to send it.
 *
 * It checks nothing: numbers must be whole and in range.
 */
import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { ByteSink } from "./byte-sink.js";

type Fields = Readonly<Record<string, unknown>>;
type FieldWriter = (message: Fields) => void;
type ValueWriter = (value: unknown) => void;

/** Encodes a message, or what `create` makes one of. */
export type Encode<Desc extends DescMessage> = (message: MessageInitShape<Desc>) => Buffer;

const VARINT = 0;
const DELIMITED = 2;
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

// Encoding never waits, so one sink serves all.
let sink = new ByteSink();
const encoders = new Map<DescMessage, MessageEncoder>();

/** The encoder of a message type. A type with fields of a kind that we do not use is left to protobuf-es. */
export function encoderOf<Desc extends DescMessage>(desc: Desc): Encode<Desc> {
  if (!isSupported(desc, new Set())) {
    return (message) => Buffer.from(toBinary<DescMessage>(desc, create<DescMessage>(desc, message)));
  }
  const encoder = messageEncoder(desc);
  return (message) => {
    sink.clear();
    encoder.write(message as Fields);
    const bytes = sink.take();
    // A rare large message must not hold its memory for ever.
    if (bytes.length > MAX_KEPT_BYTES) sink = new ByteSink();
    return bytes;
  };
}

class MessageEncoder {
  /** Made at the first use, since messages may contain themselves. */
  #fields: readonly FieldWriter[] | null = null;
  /** Bytes of the length of the last message: the next one is probably as long. */
  #lengthBytes = 1;

  constructor(readonly desc: DescMessage) {}

  write(message: Fields): void {
    this.#fields ??= fieldWriters(this.desc);
    for (const write of this.#fields) write(message);
  }

  /** The message with its length before it. */
  writeNested(message: Fields): void {
    const guess = this.#lengthBytes;
    const start = sink.begin(guess);
    this.write(message);
    this.#lengthBytes = sink.end(start, guess);
  }
}

function messageEncoder(desc: DescMessage): MessageEncoder {
  let encoder = encoders.get(desc);
  if (encoder === undefined) {
    encoder = new MessageEncoder(desc);
    encoders.set(desc, encoder);
  }
  return encoder;
}

function isSupported(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(desc)) return true;
  seen.add(desc);
  return desc.fields.every((field) => {
    const { message, fieldKind } = field;
    if (message !== undefined && (!isSupported(message, seen) || isGroup(field))) return false;
    if (fieldKind === "scalar") return scalarWriter(field.scalar) !== null;
    if (fieldKind === "map") return isTextMap(field);
    // Lists of numbers are packed, and only requests have some.
    return fieldKind !== "list" || field.listKind === "message" || field.scalar === ScalarType.STRING;
  });
}

function isGroup(field: DescField): boolean {
  return "delimitedEncoding" in field && field.delimitedEncoding;
}

function isTextMap(field: DescField & { readonly fieldKind: "map" }): boolean {
  if (field.mapKey !== ScalarType.STRING || field.mapKind !== "scalar") return false;
  return scalarWriter(field.scalar) !== null;
}

/** In the order of the fields' numbers; a oneof stands where its first member would. */
function fieldWriters(desc: DescMessage): FieldWriter[] {
  const writers: FieldWriter[] = [];
  const oneofs = new Set<DescOneof>();
  for (const field of [...desc.fields].sort((a, b) => a.number - b.number)) {
    if (field.oneof === undefined) writers.push(fieldWriter(field));
    else if (!oneofs.has(field.oneof)) {
      oneofs.add(field.oneof);
      writers.push(oneofWriter(field.oneof));
    }
  }
  return writers;
}

function oneofWriter({ localName, fields }: DescOneof): FieldWriter {
  const members = new Map(fields.map((field) => [field.localName, valueWriter(field)]));
  return (message) => {
    const chosen = message[localName] as { readonly case?: string; readonly value?: unknown } | undefined;
    if (chosen?.case !== undefined) members.get(chosen.case)?.(chosen.value);
  };
}

function fieldWriter(field: DescField): FieldWriter {
  const { localName } = field;
  if (field.fieldKind === "list") {
    const write = valueWriter(field);
    return (message) => {
      const list = message[localName] as readonly unknown[] | undefined;
      if (list !== undefined) for (const value of list) write(value);
    };
  }
  if (field.fieldKind === "map") return mapWriter(field);
  const write = valueWriter(field);
  // Proto3: the default is not written where presence does not tell it from absence.
  const hasPresence = field.presence !== FeatureSet_FieldPresence.IMPLICIT;
  return (message) => {
    const value = message[localName];
    if (value === undefined) return;
    if (!hasPresence && (value === 0 || value === "" || value === 0n || value === false)) return;
    write(value);
  };
}

/** Writes one value with its tag. */
function valueWriter(field: DescField): ValueWriter {
  const { number, message } = field;
  if (message !== undefined && field.fieldKind !== "map") {
    const tag = (number << 3) | DELIMITED;
    const encoder = messageEncoder(message);
    return (value) => {
      sink.uint32(tag);
      encoder.writeNested(value as Fields);
    };
  }
  return tagged(number, field.fieldKind === "enum" ? ScalarType.INT32 : (field.scalar ?? ScalarType.STRING));
}

function mapWriter({ number, localName, scalar }: DescField): FieldWriter {
  const tag = (number << 3) | DELIMITED;
  const writeKey = tagged(1, ScalarType.STRING);
  const writeValue = tagged(2, scalar ?? ScalarType.STRING);
  let lengthBytes = 1;
  return (message) => {
    const map = message[localName] as Fields | undefined;
    for (const key in map) {
      sink.uint32(tag);
      const start = sink.begin(lengthBytes);
      writeKey(key);
      writeValue(map[key]);
      lengthBytes = sink.end(start, lengthBytes);
    }
  };
}

function tagged(number: number, scalar: ScalarType): ValueWriter {
  const tag = (number << 3) | (scalar === ScalarType.STRING ? DELIMITED : VARINT);
  const write = scalarWriter(scalar) ?? unsupported;
  return (value) => {
    sink.uint32(tag);
    write(value);
  };
}

function scalarWriter(scalar: ScalarType): ValueWriter | null {
  switch (scalar) {
    case ScalarType.STRING:
      return (value) => sink.text(value as string);
    case ScalarType.BOOL:
      return (value) => sink.uint32(value === true ? 1 : 0);
    case ScalarType.UINT32:
      return (value) => sink.uint32(value as number);
    case ScalarType.INT32:
      return (value) => sink.int32(value as number);
    case ScalarType.SINT32:
      return (value) => sink.sint32(value as number);
    case ScalarType.UINT64:
    case ScalarType.INT64:
      return (value) => sink.uint64(value as bigint);
    default:
      return null;
  }
}

function unsupported(): never {
  throw new Error("a field of this kind is left to protobuf-es");
}
