/** What an automatic budget becomes, by what is seen of memory. */
import { describe, expect, test } from 'vitest';
import { type AutoTotal, type Look, marginOf, nextTotal } from '../../src/memory/auto-budget';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const look = (part: Partial<Look>): Look => ({
  timeMs: 0,
  held: 0,
  available: 6 * GIB,
  total: 8 * GIB,
  pressure: 0,
  kills: 0,
  ...part,
});

describe('the margin', () => {
  test.each([
    [64 * GIB, 3.2 * GIB],
    [4 * GIB, 256 * MIB],
    [GIB, 256 * MIB],
    [512 * MIB, 128 * MIB],
  ])('of %d bytes is %d', (total, margin) => {
    expect(marginOf(total)).toBeCloseTo(margin, 0);
  });
});

describe('the total', () => {
  const margin = marginOf(8 * GIB);
  const first = nextTotal(look({}), undefined);

  test('is what could be had beside the margin, what is held already included', () => {
    expect(first.bytes).toBe(Math.floor(6 * GIB - margin));
    expect(nextTotal(look({ held: GIB, available: 5 * GIB }), undefined).bytes).toBe(first.bytes);
    expect(nextTotal(look({ available: 100 }), undefined).bytes).toBe(0);
  });

  test('stays while little changes', () => {
    expect(nextTotal(look({ timeMs: 100, available: 6 * GIB - margin / 5 }), first)).toBe(first);
    expect(nextTotal(look({ timeMs: 100, available: 7 * GIB }), first)).toBe(first);
  });

  test('falls at once when others take memory', () => {
    const fallen = nextTotal(look({ timeMs: 100, held: 2 * GIB, available: 2 * GIB }), first);
    expect(fallen).toMatchObject({ bytes: Math.floor(4 * GIB - margin), shrunkMs: 100 });
  });

  test('rises again slowly, after five seconds of calm', () => {
    let total: AutoTotal = { ...first, bytes: 2 * GIB, shrunkMs: 0, grownMs: 0 };
    const at = (timeMs: number) => nextTotal(look({ timeMs, held: 2 * GIB, available: 4 * GIB }), total);
    expect(at(4900).bytes).toBe(2 * GIB);
    total = { ...total, grownMs: 4000 };
    total = at(5000);
    expect(total.bytes).toBe(2 * GIB + Math.floor(0.02 * 8 * GIB));
    expect(at(5900)).toBe(total);
    for (let timeMs = 6000; timeMs < 200_000; timeMs += 1000) total = at(timeMs);
    expect(total.bytes).toBe(Math.floor(6 * GIB - margin));
  });

  test('falls by a tenth of what is held while tasks wait for memory, every two seconds', () => {
    const pressed = { held: 3 * GIB, available: 1.9 * margin, pressure: 0.2 };
    const elsewhere = { held: 3 * GIB, available: 3 * GIB, pressure: 0.2 };
    expect(nextTotal(look({ timeMs: 1000, ...elsewhere }), first)).toMatchObject({ bytes: first.bytes });
    const fallen = nextTotal(look({ timeMs: 1000, ...pressed }), first);
    expect(fallen.bytes).toBe(Math.floor(0.9 * 3 * GIB));
    expect(nextTotal(look({ timeMs: 1500, ...pressed }), fallen)).toBe(fallen);
    const again = nextTotal(look({ timeMs: 3000, ...pressed, held: fallen.bytes }), fallen);
    expect(again.bytes).toBe(Math.floor(0.9 * fallen.bytes));
    // What waits is not calm.
    expect(nextTotal(look({ timeMs: 60_000, ...pressed, pressure: 0.11, held: 0 }), again).bytes).toBe(0);
  });

  test('falls when the kernel has killed a process of the group', () => {
    const fallen = nextTotal(look({ timeMs: 50, held: GIB, available: 5 * GIB, kills: 1 }), first);
    expect(fallen).toMatchObject({ bytes: Math.floor(0.9 * GIB), kills: 1 });
    expect(nextTotal(look({ timeMs: 60, held: GIB, available: 5 * GIB, kills: 1 }), fallen)).toBe(fallen);
  });
});
