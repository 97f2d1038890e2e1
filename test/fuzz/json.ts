/**
 * Mutations of JSON text: mostly of the tree (values, keys, places), so that what comes out still parses and reaches the checks
 * behind the parser, and sometimes of what only text can say (doubled keys, numbers beyond 2^53, nesting without end).
 */
import { mutateBytes } from './bytes';
import type { Dice } from './dice';

type Container = Record<string, unknown> | unknown[];
type Slot = { readonly parent: Container; readonly key: string };

const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 0.5, 7, 255, 65536, 1e308, 1e-308],
  ...[2 ** 28, 2 ** 31, 2 ** 32, 2 ** 32 - 1, 2 ** 53 - 1, 2 ** 53, 2 ** 60, -(2 ** 31), -(2 ** 53)],
  ...['', 'a', '\0', '.', '..', '../x', '/', '(', '(a+)+$', '[', '\\', '\ud800', 'é', '😀', '__proto__'],
  ...['F32', 'BF16', 'I64', 'F4', 'BOOL', 'Q4_K', 'constructor', 'toString', 'length', 'x'.repeat(5000)],
  ...[[], {}, [0], [[]], [null], [0, 0], [-1], [2 ** 32, 2 ** 32], Array(1000).fill(1), { a: 1 }],
];

const KEYS = ['', 'a', '__proto__', 'constructor', 'toString', '__metadata__', 'length', '0', '\0', '\ud800'];

/** What JSON.stringify never writes. A mark in the tree stands for it until the tree is text. */
const RAW = [
  ...['1e400', '-1e400', '-0', '1.0', '1E2', '9007199254740993', '18446744073709551616', '0.1e-400'],
  ...[nest('[', 20), nest('[', 5000), nest('[', 50_000), nest('{"a":', 5000), '"\\ud800"', '""', 'NaN'],
];
const RAW_MARK = /"\\u0001raw(\d+)"/g;
const SAME_KEY_MARK = '\u0001';

/** Changed text, or bytes that are no text. */
export function mutateJson(text: Uint8Array, dice: Dice): Uint8Array {
  if (dice.chance(0.1)) return mutateBytes(text, dice);
  try {
    const root = { root: JSON.parse(Buffer.from(text).toString()) };
    for (let edits = 1 + dice.below(3); edits > 0; edits -= 1) edit(root, dice);
    return Buffer.from(write(root.root));
  } catch {
    return mutateBytes(text, dice); // it no longer parses, or holds itself
  }
}

function edit(root: Container, dice: Dice): void {
  const slot = findSlot(root, dice);
  const { parent, key } = slot;
  const value = held(slot);
  const other = findSlot(root, dice);
  const edits = [
    () => put(parent, key, dice.pick(VALUES)),
    () => put(parent, key, typeof value === 'number' ? near(value, dice) : dice.pick(VALUES)),
    () => put(parent, key, `\u0001raw${dice.below(RAW.length)}`),
    () => put(parent, key, held(other)),
    () => put(parent, key, dice.chance(0.5) ? [value] : { [dice.pick(KEYS)]: value }),
    () => remove(slot),
    () => {
      put(parent, key, held(other));
      put(other.parent, other.key, value);
    },
    () => rename(slot, dice.chance(0.5) ? other.key : dice.pick(KEYS)),
    () => put(parent, Array.isArray(parent) ? String(parent.length) : dice.pick(KEYS), value),
    () => put(parent, Array.isArray(parent) ? key : SAME_KEY_MARK + key, held(other)),
  ];
  dice.pick(edits)();
}

/** A place in the tree, the deeper the likelier for small parents. */
function findSlot(root: Container, dice: Dice): Slot {
  let parent = root;
  for (;;) {
    const keys = Object.keys(parent);
    const key = keys.length > 0 ? dice.pick(keys) : '0';
    const value = held({ parent, key });
    const isContainer = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
    if (!isContainer || dice.chance(0.25)) return { parent, key };
    parent = value as Container;
  }
}

function held({ parent, key }: Slot): unknown {
  return Object.hasOwn(parent, key) ? (parent as Record<string, unknown>)[key] : undefined;
}

/** Defined, not assigned: '__proto__' is a key like any other. */
function put(parent: Container, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

function remove({ parent, key }: Slot): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}

function rename(slot: Slot, name: string): void {
  const value = held(slot);
  remove(slot);
  if (!Array.isArray(slot.parent) || /^\d+$/.test(name)) put(slot.parent, name, value);
}

function near(value: number, dice: Dice): number {
  return dice.pick([value + 1, value - 1, value * 2, -value, value + 8, value / 2, value + 2 ** 32]);
}

function write(value: unknown): string {
  return (JSON.stringify(value) ?? '')
    .replace(RAW_MARK, (_, index) => RAW[Number(index)]!)
    .replaceAll('"\\u0001', '"');
}

function nest(open: '[' | '{"a":', depth: number): string {
  return `${open.repeat(depth)}0${(open === '[' ? ']' : '}').repeat(depth)}`;
}
