/** The engine's tables of numbers as the objects that monitoring speaks of. */
import type { HeldBlock, HeldSpan, Holder, HolderHistograms, HolderSample } from '../monitoring/holders';
import { BLOCK_FIELDS, type NativeHistograms, native, SAMPLE_FIELDS, SPAN_FIELDS } from '../native';
import { tagName } from './tags';

/** @param callSiteOf of a block's handle, where it is known */
export function toBlocks(
  rows: Float64Array,
  holder: Pick<Holder, 'name' | 'number'>,
  callSiteOf: (handle: number) => string | undefined = () => undefined,
): HeldBlock[] {
  const offset = clockOffset();
  return rowsOf(rows, BLOCK_FIELDS).map(([handle, address, bytes, , tag, sequence, clockMs]) => ({
    holder: holder.name,
    holderNumber: holder.number,
    tag: tagName(tag!),
    bytes: bytes!,
    address: address!,
    sequence: sequence!,
    allocatedMs: clockMs ? clockMs + offset : null,
    callSite: callSiteOf(handle!) ?? null,
  }));
}

export function toSpans(rows: Float64Array): HeldSpan[] {
  return rowsOf(rows, SPAN_FIELDS).map(([address, bytes]) => ({ address: address!, bytes: bytes! }));
}

export function toSamples(rows: Float64Array): HolderSample[] {
  const offset = clockOffset();
  return rowsOf(rows, SAMPLE_FIELDS).map(([clockMs, requestedBytes, reservedBytes]) => ({
    timeMs: clockMs! + offset,
    requestedBytes: requestedBytes!,
    reservedBytes: reservedBytes!,
  }));
}

export function toHistograms({ sizes, lifetimes, newestFirst }: NativeHistograms): HolderHistograms {
  return {
    sizes: rowsOf(sizes, 2).map(([blocks, bytes]) => ({ blocks: blocks!, bytes: bytes! })),
    lifetimes: [...lifetimes],
    newestFirst,
  };
}

/** Rows of `fields` numbers each. */
export function rowsOf(table: Float64Array, fields: number): number[][] {
  return Array.from({ length: table.length / fields }, (_, row) =>
    Array.from(table.subarray(row * fields, (row + 1) * fields)),
  );
}

/** Added to the engine's clock, it gives performance.now(). */
function clockOffset(): number {
  return performance.now() - native().clockMs();
}
