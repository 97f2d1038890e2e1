/** Tags of blocks, until the engine has no numbers for more: they are the process's, so they are used up in a file of its own. */
import { expect, test } from 'vitest';
import { createAllocator, leaks } from '../../src/index';
import { errorOf } from '../support/temporary';

test('each tag that is taken is told apart from all others, the last one too; one more is refused', async () => {
  using allocator = createAllocator({ strategy: 'pooled' });
  const taken: string[] = [];
  const error = await errorOf(() => {
    for (;;) {
      const tag = `tag ${taken.length}`;
      allocator.allocate(16, { tag });
      taken.push(tag);
    }
  });
  expect([error.code, error.message]).toEqual(['INVALID', expect.stringMatching(/use them again/)]);
  expect(taken.length).toBeGreaterThan(2000);
  // A number that is too large for its bits would show as another tag, or as other bytes.
  const { blocks } = leaks();
  expect(blocks.map(({ tag }) => tag)).toEqual(taken);
  expect(new Set(blocks.map(({ bytes }) => bytes))).toEqual(new Set([16]));
});
