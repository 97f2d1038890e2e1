/**
 * Random operations on one allocator of every kind, against a record of what must be. It imports nothing but types: worker
 * threads are given its text.
 */
import type * as Api from '../../src/index';

/** What each kind of allocator is made with, and the largest block and alignment asked of it. */
const KINDS = [
  { make: { strategy: 'static', initialPoolSize: 1 << 20 }, largest: 64 << 10, alignment: 4096 },
  { make: { strategy: 'pooled' }, largest: 256 << 10, alignment: 4096 },
  { make: { strategy: 'dynamic', trackAllocations: true }, largest: 256 << 10, alignment: 4096 },
  { make: { strategy: 'hybrid', enableOptimization: true }, largest: 256 << 10, alignment: 4096 },
  { pool: { size: 512 << 10, blockSize: 4096 }, largest: 4096, alignment: 64 },
  { pool: { size: 64 << 10, blockSize: 4096, growable: true }, largest: 4096, alignment: 64 },
  { pool: { size: 512 << 10, blockSize: 4096, threadSafe: true }, largest: 4096, alignment: 64 },
] as const;

const BUDGET = 2 << 20;
const TAGS = ['rows', 'columns', 'notes'];

interface Live {
  handle: number;
  bytes: number;
  mark: number;
  view: Uint8Array | undefined;
}

/**
 * Runs `operations`, shared out evenly among the kinds.
 *
 * @param api the package
 * @param random from 0 to below 1
 * @returns how many were refused for want of room
 * @throws Error at the first thing that is not as it must be
 */
export function stress(api: typeof Api, random: () => number, operations: number): number {
  const below = (end: number) => Math.floor(random() * end);
  let refused = 0;
  for (const kind of KINDS) {
    const open = () =>
      'pool' in kind
        ? api.createPool({ ...kind.pool, budget: BUDGET })
        : api.createAllocator({ ...kind.make, budget: BUDGET });
    let allocator = open();
    let live: Live[] = [];
    let stale: number[] = [];
    const views = () => live.flatMap(({ view }) => view ?? []);
    const forget = (seen: Uint8Array[]) => {
      stale = live.map(({ handle }) => handle).slice(0, 100);
      live = [];
      must(
        seen.every((view) => view.byteLength === 0),
        'views end with their blocks',
      );
    };
    const take = () => {
      const bytes = Math.floor(kind.largest ** random());
      const alignment = random() < 0.8 ? 16 : 2 ** (4 + below(Math.log2(kind.alignment) - 3));
      const options = {
        alignment,
        tag: TAGS[below(3)]!,
        lifetime: random() < 0.3 ? 'lasting' : 'transient',
      } as const;
      try {
        live.push({ handle: allocator.allocate(bytes, options), bytes, mark: below(256), view: undefined });
      } catch (error) {
        if (!(error instanceof api.HyperionError) || !/OVER_BUDGET|OUT_OF_MEMORY/.test(error.code))
          throw error;
        refused += 1;
        give(Math.ceil(live.length / 2));
      }
    };
    const look = (block: Live) => {
      if (block.view) {
        must(
          block.view[0] === block.mark && block.view.at(-1) === block.mark,
          'a block keeps what was written',
        );
        return;
      }
      block.view = allocator.view(block.handle);
      must(block.view.byteLength === block.bytes, 'a view is as long as its block');
      block.view[0] = block.mark;
      block.view[block.bytes - 1] = block.mark;
    };
    const give = (count: number) => {
      for (let i = 0; i < count && live.length > 0; i += 1) {
        const at = below(live.length);
        const block = live[at]!;
        live[at] = live.at(-1)!;
        live.pop();
        if (block.view) look(block);
        allocator.free(block.handle);
        must(!block.view || block.view.byteLength === 0, 'a view ends with its block');
        if (stale.length < 1000) stale.push(block.handle);
        else stale[below(1000)] = block.handle;
      }
    };
    const misuse = () => {
      const handle = [stale[below(stale.length)] ?? 0, below(2 ** 53), -1, 0.5, Number.NaN][below(5)]!;
      if (live.some((block) => block.handle === handle)) return;
      mustThrow(() => allocator.free(handle), 'INVALID');
      mustThrow(() => allocator.view(handle), 'INVALID');
    };
    const check = () => {
      const stats = allocator.stats();
      const bytes = live.reduce((sum, block) => sum + block.bytes, 0);
      must(stats.current === bytes && stats.liveBlocks === live.length, 'every byte is counted once');
      must(
        stats.current <= stats.active && stats.active <= stats.reserved,
        'asked for <= handed out <= held',
      );
      must(stats.reserved <= BUDGET && stats.reservedPeak <= BUDGET, 'the budget holds');
      must(stats.allocations - stats.frees === live.length, 'allocations less frees are what lives');
    };
    const takeMany = () => {
      const sizes = Array.from({ length: 1 + below(20) }, () => 1 + below(1000));
      try {
        const handles = allocator.allocateMany(sizes, { tag: 'many' });
        for (const [i, handle] of handles.entries())
          live.push({ handle, bytes: sizes[i]!, mark: below(256), view: undefined });
      } catch {
        refused += 1;
      }
    };
    for (let i = 0; i < operations / KINDS.length; i += 1) {
      const dice = random();
      if (dice < (Math.floor(i / 1500) % 2 === 0 ? 0.6 : 0.3)) take();
      else if (dice < 0.85) give(1);
      else if (dice < 0.96 && live.length > 0) look(live[below(live.length)]!);
      else if (dice < 0.98) misuse();
      else if (dice < 0.99) takeMany();
      else if (dice < 0.998) check();
      else if (dice < 0.999) allocator.trim();
      else if (random() < 0.7) {
        const seen = views();
        allocator.reset();
        forget(seen);
      } else {
        const seen = views();
        const closed = allocator;
        closed.close();
        forget(seen);
        stale = [];
        mustThrow(() => closed.allocate(16), 'CLOSED');
        allocator = open();
      }
    }
    check();
    give(live.length);
    check();
    allocator.close();
  }
  return refused;

  function must(holds: boolean, what: string): asserts holds {
    if (!holds) throw new Error(`it does not hold that ${what}`);
  }
  function mustThrow(act: () => unknown, code: string) {
    try {
      act();
    } catch (error) {
      must(error instanceof api.HyperionError && error.code === code, `misuse is ${code}`);
      return;
    }
    must(false, `misuse is ${code}`);
  }
}
