/** Captured text of /proc/self/smaps. */
import { expect, test } from 'vitest';
import { groupByPath, Mappings, parseMappings } from '../../src/monitoring/mappings';

const SMAPS = String.raw`00400000-00403000 r--p 00000000 fe:00 247741                             /opt/my lab/model (deleted)
Size:                 12 kB
KernelPageSize:        4 kB
Rss:                   8 kB
Pss:                   4 kB
Pss_Dirty:             1 kB
Referenced:            8 kB
Anonymous:             2 kB
AnonHugePages:         0 kB
Swap:                  0 kB
SwapPss:               3 kB
VmFlags: rd mr mw me 
00403000-00405000 r-xp 00003000 fe:00 247741                             /opt/my lab/model (deleted)
Size:                  8 kB
Rss:                   4 kB
Pss:                   4 kB
Referenced:            0 kB
AnonHugePages:         0 kB
Swap:                  0 kB
7f0000000000-7f0000400000 rw-p 00000000 00:00 0 
Size:               4096 kB
Rss:                2048 kB
Pss:                2048 kB
Referenced:         1024 kB
AnonHugePages:      2048 kB
Swap:                 64 kB
7f0000400000-7f0000401000 rw-s 00000000 00:01 5                          /memfd:two\012lines and \040
Size:                  4 kB
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
Size:                  4 kB
Rss:                   0 kB
Pss:                   0 kB
Referenced:            0 kB
AnonHugePages:         0 kB
Swap:                  0 kB
`;
const KIB = 1024;

test('each mapping has its path, addresses and sizes; figures that are missing count as 0', () => {
  const mappings = parseMappings(SMAPS);
  expect(mappings.map(({ path }) => path)).toEqual([
    '/opt/my lab/model (deleted)',
    '/opt/my lab/model (deleted)',
    'anonymous',
    '/memfd:two\nlines and \\040',
    '[vsyscall]',
  ]);
  expect(mappings[2]).toEqual({
    ...{ path: 'anonymous', addresses: '7f0000000000-7f0000400000', mappings: 1, mapped: 4096 * KIB },
    ...{ resident: 2048 * KIB, proportional: 2048 * KIB, referenced: 1024 * KIB },
    ...{ anonymousHugePages: 2048 * KIB, swapped: 64 * KIB },
  });
  expect(mappings[3]).toMatchObject({ mapped: 4 * KIB, resident: 0 });
  expect(mappings[4]!.addresses).toBe('ffffffffff600000-ffffffffff601000');
});

test('mappings of a path add up, largest resident first', () => {
  const groups = groupByPath(parseMappings(SMAPS));
  expect(groups.map(({ path }) => path).slice(0, 2)).toEqual(['anonymous', '/opt/my lab/model (deleted)']);
  expect(groups[1]).toEqual({
    ...{ path: '/opt/my lab/model (deleted)', addresses: null, mappings: 2, mapped: 20 * KIB },
    ...{ resident: 12 * KIB, proportional: 8 * KIB, referenced: 8 * KIB, anonymousHugePages: 0, swapped: 0 },
  });
});

test('a table counts the mappings, or shows their addresses', () => {
  const mappings = parseMappings(SMAPS);
  const lines = (rows: typeof mappings) => String(new Mappings(rows)).split('\n');
  expect(lines(groupByPath(mappings)).slice(0, 2).join('\n')).toMatch(
    /^5 mappings, 2.0 MiB resident\npath +mappings /,
  );
  expect(lines(mappings)[1]).toMatch(/^path +addresses +mapped +resident +proportional +referenced /);
  expect(lines(mappings).join('\n')).toContain('/memfd:two lines');
});

test('no text has no mappings', () => {
  expect(parseMappings('')).toEqual([]);
});
