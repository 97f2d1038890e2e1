/** Mutations of bytes of which nothing is known. */
import type { Dice } from './dice';

type Mutation = (bytes: Buffer, dice: Dice) => Uint8Array;

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x22, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d, 0xc0, 0xed, 0xf8];

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, dice) {
    bytes[dice.below(bytes.length)]! ^= 1 << dice.below(8);
    return bytes;
  },
  function setByte(bytes, dice) {
    bytes[dice.below(bytes.length)] = dice.pick(INTERESTING);
    return bytes;
  },
  function truncate(bytes, dice) {
    return bytes.subarray(0, dice.below(bytes.length));
  },
  function remove(bytes, dice) {
    const [begin, end] = range(bytes, dice);
    return Buffer.concat([bytes.subarray(0, begin), bytes.subarray(end)]);
  },
  function repeat(bytes, dice) {
    const [begin, end] = range(bytes, dice);
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(begin)]);
  },
  function overwrite(bytes, dice) {
    const [begin, end] = range(bytes, dice);
    bytes.copy(bytes, dice.below(bytes.length), begin, end);
    return bytes;
  },
  function insert(bytes, dice) {
    const at = dice.below(bytes.length + 1);
    const filling = Buffer.alloc(1 + dice.below(16), dice.pick(INTERESTING));
    return Buffer.concat([bytes.subarray(0, at), filling, bytes.subarray(at)]);
  },
];

/** A changed copy. */
export function mutateBytes(bytes: Uint8Array, dice: Dice): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(dice.pick(INTERESTING));
  return dice.pick(MUTATIONS)(Buffer.from(bytes), dice);
}

function range(bytes: Buffer, dice: Dice): [number, number] {
  const begin = dice.below(bytes.length);
  const most = dice.chance(0.8) ? Math.min(16, bytes.length - begin) : bytes.length - begin;
  return [begin, begin + 1 + dice.below(most)];
}
