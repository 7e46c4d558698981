/** Encodes and decodes messages of the protocol fast, on Node: what a scheduler and a host spend much of their time on. */
export { type Decode, decoderOf } from "./message-decoder.js";
export { type Encode, encoderOf } from "./message-encoder.js";
