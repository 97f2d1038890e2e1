/**
 * A binary file as a row of fields, and its mutations: numbers that lie, fields left out, doubled, exchanged, and changes
 * within texts whose lengths stay true, so that what follows is still found.
 */
import { mutateBytes } from './bytes';
import type { Dice } from './dice';
import { mutateJson } from './json';

/** `prefix` is the width of the length that is written before the content; 0 = none. */
export type Field =
  | { readonly kind: 'number'; readonly width: 1 | 2 | 4 | 8; readonly value: bigint }
  | { readonly kind: 'bytes' | 'json'; readonly prefix: 0 | 4 | 8; readonly content: Uint8Array }
  /** zeros up to the next multiple */
  | { readonly kind: 'padding'; readonly alignment: number };

/** Larger inputs tell nothing more, and take longer. */
const LARGEST_INPUT = 256 * 1024;

const NUMBERS = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 31n, 32n, 33n, 64n, 255n, 256n, 65535n],
  ...[28n, 31n, 32n, 40n, 53n, 60n, 63n].flatMap((bit) => [(1n << bit) - 1n, 1n << bit, (1n << bit) + 1n]),
  ...[(1n << 64n) - 1n, (1n << 64n) - 8n, 100_000_000n, 1_000_000_000n],
];

export function encode(fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const field of fields)
    for (const part of encodeField(field, length)) {
      parts.push(part);
      length += part.length;
    }
  return Buffer.concat(parts);
}

/** Up to four changes. */
export function mutateFields(fields: readonly Field[], dice: Dice): Uint8Array {
  let changed = fields;
  for (let edits = 1 + dice.below(4); edits > 0 && changed.length > 0; edits -= 1)
    changed = edit(changed, dice);
  const bytes = encode(changed);
  return bytes.length <= LARGEST_INPUT ? bytes : bytes.subarray(0, LARGEST_INPUT);
}

function edit(fields: readonly Field[], dice: Dice): readonly Field[] {
  const at = dice.below(fields.length);
  // A file that is one text has no other place to change.
  if (fields.length === 1 || dice.chance(0.8)) return fields.with(at, mutateField(fields, at, dice));
  const end = Math.min(fields.length, at + 1 + dice.below(6));
  const run = fields.slice(at, end);
  const target = dice.below(fields.length);
  const without = [...fields.slice(0, at), ...fields.slice(end)];
  return dice.pick<() => readonly Field[]>([
    () => without,
    () => [...fields.slice(0, target), ...run, ...fields.slice(target)],
    () => [...without.slice(0, target), ...run, ...without.slice(target)],
    () => fields.slice(0, at),
    () => fields.toSpliced(at, 1, fields[target]!),
  ])();
}

function mutateField(fields: readonly Field[], at: number, dice: Dice): Field {
  const field = fields[at]!;
  if (field.kind === 'number') return { ...field, value: mutateNumber(fields, field.value, dice) };
  if (field.kind === 'padding') return { ...field, alignment: dice.pick([1, 64, 2 * field.alignment]) };
  if (field.prefix > 0 && dice.chance(0.2)) {
    // The length lies: what was read as content is now read as something else.
    const lie = {
      kind: 'number',
      width: field.prefix as 4 | 8,
      value: mutateNumber(fields, 0n, dice),
    } as const;
    return { ...field, prefix: 0, content: Buffer.concat([...encodeField(lie, 0), field.content]) };
  }
  const mutate = field.kind === 'json' ? mutateJson : mutateBytes;
  return { ...field, content: mutate(field.content, dice) };
}

function mutateNumber(fields: readonly Field[], value: bigint, dice: Dice): bigint {
  const other = dice.pick(fields);
  const length =
    other.kind === 'number' ? other.value : BigInt('content' in other ? other.content.length : 0);
  const near = [value + 1n, value - 1n, value * 2n, value ^ (1n << BigInt(dice.below(64))), length];
  return dice.chance(0.5) ? dice.pick(NUMBERS) : dice.pick(near);
}

/** `at` is where the field begins. */
function encodeField(field: Field, at: number): Uint8Array[] {
  if (field.kind === 'padding') return [Buffer.alloc(Math.ceil(at / field.alignment) * field.alignment - at)];
  if (field.kind === 'number') return [encodeNumber(field.value, field.width)];
  const { prefix, content } = field;
  return prefix === 0 ? [content] : [encodeNumber(BigInt(content.length), prefix), content];
}

function encodeNumber(value: bigint, width: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.subarray(0, width);
}
