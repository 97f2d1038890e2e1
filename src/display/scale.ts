/** Units for axes, so that a tick reads 1.5 and the title says MiB. */

/** A unit, and how much one of it is. */
export interface Unit {
  readonly name: string;
  readonly size: number;
}

const BYTES: readonly Unit[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB'].map((name, power) => ({
  name,
  size: 1024 ** power,
}));

/** The largest unit of bytes of which `largest` holds at least one. */
export function byteUnit(largest: number): Unit {
  return BYTES.findLast((unit) => largest >= unit.size) ?? BYTES[0]!;
}

/** Milliseconds below one second, seconds above. */
export function timeUnit(spanMs: number): Unit {
  return spanMs < 1000 ? { name: 'ms', size: 1 } : { name: 's', size: 1000 };
}

/** `value` in `unit`, to five digits: more would only lengthen the specification. */
export function inUnit(value: number, unit: Unit): number {
  return Number((value / unit.size).toPrecision(5));
}

/** The moment of a figure, in ms: events nearer to each other than 10 µs are one. */
export function moment(timeMs: number): number {
  return Math.round(timeMs * 100) / 100;
}

/** A moment in `unit`, no two of them the same. */
export function momentIn(timeMs: number, unit: Unit): number {
  return Number((timeMs / unit.size).toFixed(5));
}

/** A round step, 1, 2 or 5 times a power of ten, of which some eight make up `span`. */
export function stepOf(span: number): number {
  const least = Math.max(1, span / 8);
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

/** What a figure may draw: NaN and infinities become 0, as does anything below it. */
export function finite(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) && value > 0 ? value : 0;
}

/** The largest figure among items; 0 when there are none. */
export function largest<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((most, item) => Math.max(most, of(item)), 0);
}
