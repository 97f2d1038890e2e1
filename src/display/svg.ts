/** Static pictures without a browser: Observable Plot drawing into linkedom. Both are ES modules of some size: loaded late. */
import { escapeHtml, printable } from './mime';
import { clip } from './wording';

const loadPlot = () => import('@observablehq/plot');
export type Plot = Awaited<ReturnType<typeof loadPlot>>;
export type PlotOptions = Parameters<Plot['plot']>[0];

/** A line of the legend: a filled swatch, or a line, dashed where `dash` says how. */
export interface LegendEntry {
  readonly name: string;
  readonly color: string;
  readonly dash?: string;
  readonly line?: boolean;
}

const WIDTH = 820;
const HEIGHT = 360;
const LEGEND_WIDTH = 112;
/** What fits beside a swatch; more would leave the picture. */
const LEGEND_LETTERS = 14;
const MARGINS = { marginTop: 64, marginLeft: 64, marginRight: LEGEND_WIDTH + 24, marginBottom: 80 };
/** From the title down to the lower edge of the frame in which data is drawn. */
export const FRAME_HEIGHT = HEIGHT - MARGINS.marginTop - MARGINS.marginBottom;
/** Letters. A page with a dark ground finds them by this colour. */
export const INK = '#333333';

/** Draws what `options` makes of Plot, under a title and a summary, beside a legend, on white, so that any page can hold it. */
export async function drawSvg(
  options: (plot: Plot) => PlotOptions,
  heading: { title: string; summary: string },
  legend: readonly LegendEntry[],
): Promise<string> {
  const [plot, { parseHTML }] = await Promise.all([loadPlot(), import('linkedom')]);
  const { document } = parseHTML('<html><body></body></html>');
  const drawn = plot.plot({
    width: WIDTH,
    height: HEIGHT,
    ...MARGINS,
    style: { fontFamily: 'system-ui, sans-serif', fontSize: '12px', color: INK, background: 'white' },
    document,
    ...options(plot),
  });
  // The document writes attributes as HTML does; what stands in them must hold as XML too.
  const label = escapeHtml(`${heading.title}: ${heading.summary}`);
  const svg = drawn.outerHTML
    .replace(/^<svg/, `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${label}"`)
    .replace(/<\/svg>$/, `<g text-anchor="start">${headingSvg(heading)}${legendSvg(legend)}</g></svg>`);
  return printable(svg);
}

function headingSvg({ title, summary }: { title: string; summary: string }): string {
  return (
    `<text x="16" y="24" font-size="15" font-weight="600" fill="${INK}">${escapeHtml(title)}</text>` +
    `<text x="16" y="43" fill="${INK}">${escapeHtml(summary)}</text>`
  );
}

function legendSvg(entries: readonly LegendEntry[]): string {
  const x = WIDTH - LEGEND_WIDTH - 8;
  return entries
    .map(({ name, color, dash, line }, index) => {
      const y = 74 + index * 19;
      const sign = line
        ? `<line x1="${x}" x2="${x + 16}" y1="${y}" y2="${y}" stroke="${color}" stroke-width="2" stroke-dasharray="${dash ?? 'none'}"/>`
        : `<rect x="${x}" y="${y - 6}" width="16" height="12" fill="${color}"/>`;
      return `${sign}<text x="${x + 22}" y="${y + 4}" fill="${INK}">${escapeHtml(clip(name, LEGEND_LETTERS))}</text>`;
    })
    .join('');
}
