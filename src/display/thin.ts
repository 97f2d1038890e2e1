/** Samples over time thinned to what a screen shows: no peak and no valley is lost, and a chart that grows never flickers. */

/** Which part of the picture a moment falls into. */
export type SlotOf = (timeMs: number) => number;

/** Of each slot keeps the lowest and the highest sample by each of `values`, and the last sample of all. */
export function thin<Sample extends { readonly timeMs: number }>(
  samples: readonly Sample[],
  slotOf: SlotOf,
  ...values: readonly ((sample: Sample) => number)[]
): readonly Sample[] {
  const kept: Sample[] = [];
  for (let begin = 0, end = 0; begin < samples.length; begin = end) {
    const slot = slotOf(samples[begin]!.timeMs);
    while (end < samples.length && slotOf(samples[end]!.timeMs) === slot) end++;
    const extremes = new Set(values.flatMap((value) => extremesOf(samples, begin, end, value)));
    for (const index of [...extremes].sort((a, b) => a - b)) kept.push(samples[index]!);
  }
  if (samples.length > 0 && kept.at(-1) !== samples.at(-1)) kept.push(samples.at(-1)!);
  return kept;
}

function extremesOf<Sample>(
  samples: readonly Sample[],
  begin: number,
  end: number,
  value: (sample: Sample) => number,
): [number, number] {
  let low = begin;
  let high = begin;
  for (let index = begin; index < end; index++) {
    if (value(samples[index]!) < value(samples[low]!)) low = index;
    if (value(samples[index]!) > value(samples[high]!)) high = index;
  }
  return [low, high];
}

/**
 * Divides a span into slots, 50 of them for 20 ms, 200 for a second, 380 for a minute. Widths are powers of two, and of
 * the oldest slots as many are joined in pairs as makes the count: so a chart that grows gains points and never
 * flickers, for a slot begins where it did before.
 */
export function slotsOf(spanMs: number): SlotOf {
  if (spanMs === 0) return () => 0;
  const count = 30 * Math.log2(1 + spanMs / 10);
  const width = 2 ** Math.floor(Math.log2(spanMs / count));
  const joinedUntil = 2 * width * Math.ceil(spanMs / width - count);
  return (timeMs) =>
    timeMs < joinedUntil ? 2 * Math.floor(timeMs / (2 * width)) : Math.floor(timeMs / width);
}
