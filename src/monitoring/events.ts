/** What the engine says of its work, read from the rows of its ring. */
import { EVENT_FIELDS, EVENT_KINDS, type EventKind } from '../native';

/** Something that happened, and the session's memory at that time. Bytes, and milliseconds of `performance.now()`. */
export interface EngineEvent {
  readonly timeMs: number;
  readonly kind: EventKind;
  /** its index; -1 when the event is of none */
  readonly layer: number;
  /** that were read, evicted or waited for */
  readonly bytes: number;
  readonly currentBytes: number;
  readonly peakBytes: number;
  readonly reservedBytes: number;
  readonly byTag: readonly number[];
}

/** @param clockOffsetMs added to the engine's clock, it gives `performance.now()` */
export function readEvents(rows: Float64Array, clockOffsetMs: number): EngineEvent[] {
  return Array.from({ length: rows.length / EVENT_FIELDS }, (_, index) => {
    const [clockMs, kind, layer, bytes, peakBytes, reservedBytes, ...byTag] = rows.subarray(
      index * EVENT_FIELDS,
      (index + 1) * EVENT_FIELDS,
    ) as unknown as number[];
    return {
      timeMs: clockMs! + clockOffsetMs,
      kind: EVENT_KINDS[kind!]!,
      layer: layer!,
      bytes: bytes!,
      currentBytes: byTag.reduce((sum, tagged) => sum + tagged, 0),
      peakBytes: peakBytes!,
      reservedBytes: reservedBytes!,
      byTag,
    };
  });
}
