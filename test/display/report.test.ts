import { describe, expect, test } from 'vitest';
import { emptyReport, type MemoryReport, reportHtml, reportJson, reportText } from '../../src/display';
import { fullReport, hugeReport, reportNaming, TIME } from './reports';

const parse = (report: MemoryReport) => JSON.parse(reportJson(report)) as MemoryReport;
const headings = (html: string) => [...html.matchAll(/<h2 [^>]*>([^<]*)</g)].map((match) => match[1]);
const SECTIONS = [
  'Totals',
  'Advice',
  'Over time',
  'Pools, allocators and sessions',
  'By tag',
  'Blocks by size and by lifetime',
  'Fragmentation',
  'Largest blocks',
  'Leaks',
  'Misuse',
  'The process',
];

describe('a report as text', () => {
  test('has every section, in aligned columns', () => {
    const text = reportText(fullReport());
    const titles = text.split('\n').filter((_, index, lines) => /^-+$/.test(lines[index + 1] ?? ''));
    expect(titles).toEqual(SECTIONS);
    expect(text).toContain(`Memory of the manpage notebook\n${TIME}\n\nTotals\n------\n`);
    expect(text).toMatch(/^current +3\.4 MiB$/m);
    expect(text).toContain(
      [
        'name   kind       strategy    current       peak  reserved     limit  blocks  external  internal',
        'cache  allocator  dynamic     2.9 MiB    4.2 MiB   5.0 MiB  16.0 MiB     301     46.0%      7.0%',
        'rows   pool       pooled    512.0 KiB  921.6 KiB   1.0 MiB         –      32      0.0%      2.0%',
      ].join('\n'),
    );
    expect(text).toContain("1. Give 'cache' pools for its small blocks\n   Because: 46% of");
    expect(text).toContain('cache: 200 holes, largest 16.0 KiB of');
  });

  test('of nothing says so', () => {
    expect(reportText(emptyReport('Memory', TIME))).toMatchInlineSnapshot(`
      "Memory
      2026-03-01T12:00:00.000Z

      Totals
      ------
      current                  0 B
      peak                     0 B
      reserved                 0 B
      reserved at most         0 B
      reserved / active       1.00
      external fragmentation    0%
      internal fragmentation    0%
      live blocks                0
      allocations                0
      frees                      0
      allocated in all         0 B

      Advice
      ------
      Nothing stands out.

      Leaks
      -----
      None.

      Misuse
      ------
      None.
      "
    `);
  });

  test('keeps names on their lines and control characters out of the terminal', () => {
    const text = reportText(reportNaming('evil\nTotals\n------\u001b[2J\u0007'));
    for (const control of ['\u0007', '\u001b']) expect(text).not.toContain(control);
    expect(text.match(/^Totals$/gm)).toHaveLength(1);
  });
});

describe('a report as JSON', () => {
  test('is the report', () => {
    const report = fullReport();
    expect(parse(report)).toEqual({
      ...JSON.parse(JSON.stringify(report)),
      timeline: expect.objectContaining({ limitBytes: report.timeline.limitBytes }),
      omitted: {},
    });
    expect(parse(emptyReport('Memory', TIME))).toEqual({ ...emptyReport('Memory', TIME), omitted: {} });
  });

  test('keeps the largest blocks, the first leaks, and counts of the others', () => {
    const huge = hugeReport();
    const { largestBlocks, leaks, omitted } = parse(huge);
    const largest = huge.largestBlocks.map(({ bytes }) => bytes).sort((one, two) => two - one);
    expect(largestBlocks.map(({ bytes }) => bytes)).toEqual(largest.slice(0, 50));
    expect(leaks).toEqual(huge.leaks.slice(0, 100));
    expect(omitted).toEqual({
      holders: 19_900,
      byTag: 19_900,
      largestBlocks: 19_950,
      leaks: 19_900,
      misuses: 19_900,
      fragmentation: 8,
    });
  });

  test('written and read again is the same report in every form', async () => {
    const huge = hugeReport();
    expect(reportJson(parse(huge))).toBe(reportJson(huge));
    expect(reportText(parse(huge))).toBe(reportText(huge));
    expect(await reportHtml(parse(huge))).toBe(await reportHtml(huge));
  });
});

describe('a report as a page', () => {
  test('has a heading for every section and names each section by it', async () => {
    const html = await reportHtml(fullReport());
    expect(headings(html)).toEqual(SECTIONS);
    expect(html.match(/<h1>/g)).toHaveLength(1);
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    const labels = [...html.matchAll(/aria-labelledby="([^"]+)"/g)].map((match) => match[1]);
    expect(labels.filter((label) => !ids.includes(label))).toEqual([]);
    expect(html.match(/<svg [^>]*role="img" aria-label="[^"]+/g)).toHaveLength(4);
  });

  test('needs no scripts and no network, and fits light and dark', async () => {
    const html = await reportHtml(fullReport());
    expect(html).not.toMatch(/<script|<link|<img|<iframe|\son\w+=|@import|url\(/i);
    expect([...html.matchAll(/(?:src|href)="/g)]).toEqual([]);
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:/);
    expect(html).toContain('prefers-color-scheme: dark');
  });

  test('escapes every name', async () => {
    const hostile = `</style><script>alert(1)</script>"' onload=x & \u0000\ud800`;
    const html = await reportHtml(reportNaming(hostile));
    const clean = await reportHtml(reportNaming('name'));
    expect(html).not.toContain('<script');
    expect(html).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/);
    for (const character of ['\0', '\ud800']) expect(html).not.toContain(character);
    const tags = (page: string) => page.match(/<\/?[a-z0-9]+/g)!.length;
    expect(tags(html)).toBe(tags(clean));
  });

  test('of nothing is a page that says so', async () => {
    const html = await reportHtml(emptyReport('Memory', TIME));
    expect(headings(html)).toEqual(['Totals', 'Advice', 'Leaks', 'Misuse']);
    expect(html).toContain('Nothing stands out.');
    expect(html).not.toMatch(/NaN|undefined|null/);
  });
});

test('a report of everything that a week leaves behind stays of bounded size', async () => {
  const huge = hugeReport();
  expect(reportText(huge).length).toBeLessThan(200_000);
  expect(reportJson(huge).length).toBeLessThan(4_000_000);
  expect((await reportHtml(huge)).length).toBeLessThan(4_000_000);
  expect(reportText(huge)).toContain('… 19,900 more');
});

test('figures that are no numbers are written as dashes or nothing', async () => {
  const report = fullReport();
  const none = Object.fromEntries(Object.keys(report.totals).map((name) => [name, Number.NaN]));
  const odd = { ...report, totals: none as unknown as MemoryReport['totals'] };
  expect(reportText(odd)).not.toMatch(/NaN|undefined/);
  expect(await reportHtml(odd)).not.toMatch(/NaN|undefined/);
});
