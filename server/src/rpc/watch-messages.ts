/** Cuts what a watch has to tell into messages that every client takes. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RunEventSchema } from "@cloaca/protocol";
import type { RunEvent, RunEventType } from "../core/model.js";
import { isLastEvent } from "../engine/run-feed.js";
import type { Watched } from "../engine/watch.js";
import type { EventChunk } from "../store/store.js";
import type { Cursor } from "./cursor.js";
import { lossesBytes, PAGE_BYTES } from "./paging.js";
import { eventToWire } from "./runs-to-wire.js";

export interface WatchMessage {
  readonly events: MessageInitShape<typeof RunEventSchema>[];
  readonly cursor: Cursor;
  /** Whether the log of a single run is at an end there, until the run is retried; undefined when nothing passed tells. */
  readonly isEnd: boolean | undefined;
}

/** An event without its texts. */
const EVENT_BYTES = 256;

/**
 * @param begin where the watcher is; what it was told of the first chunk is passed over
 * @param wanted which chunks and events it wants to hear of
 */
export function* watchMessages(
  { chunks, position }: Watched,
  begin: Cursor,
  wanted: (chunk: EventChunk, type: RunEventType) => boolean,
): Generator<WatchMessage> {
  let events: WatchMessage["events"] = [];
  let bytes = 0;
  let isEnd: boolean | undefined;
  for (const chunk of chunks) {
    let told = chunk.position === begin.position + 1 ? begin.told : 0;
    for (const event of told === 0 ? chunk.events : chunk.events.slice(told)) {
      const more = wanted(chunk, event.type) ? bytesOf(event) : 0;
      if (events.length > 0 && bytes + more > PAGE_BYTES) {
        yield { events, cursor: { position: chunk.position - 1, told }, isEnd };
        events = [];
        bytes = 0;
      }
      if (more > 0) events.push(eventToWire(event, chunk));
      bytes += more;
      told++;
      if (event.type !== "LEASE_ENDED") isEnd = isLastEvent(event.type);
    }
  }
  yield { events, cursor: { position, told: 0 }, isEnd };
}

function bytesOf({ reason = "", failure }: RunEvent): number {
  if (failure === undefined) return EVENT_BYTES + 3 * reason.length;
  const units = reason.length + failure.message.length + failure.stack.length + failure.code.length;
  return EVENT_BYTES + 3 * units + lossesBytes(failure.losses ?? []);
}
