/** Bytes as areas: a model's layers, each as large as its weights, with its tensors' element types within. */
import { formatBytes } from '../units';
import { Figure } from './figure';
import { plotlyLayout, plotlyText } from './layout';
import { colorOf, inkOn } from './palette';
import { type Rectangle, rectangleMark, rectangleTrace } from './rectangles';
import { finite } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';
import { clip, percent, plural } from './wording';

/** Bytes of one element type in one layer. */
export interface TreemapPart {
  readonly layer: string;
  readonly kind: string;
  readonly dtype: string;
  readonly bytes: number;
}

interface Tile extends Rectangle, TreemapPart {
  readonly label: string;
}

interface DrawnTreemap {
  readonly title: string;
  readonly summary: string;
  readonly tiles: readonly Tile[];
  readonly kinds: readonly string[];
}

const WIDTH = 660;
const HEIGHT = 300;
/** Pixels that a letter takes. */
const LETTER = 6.6;

/**
 * Draws a rectangle for each part, parts of a layer beside each other. Areas are bytes; the order is that of size.
 *
 * @example
 * ```ts
 * const figure = await treemapFigure([
 *   { layer: 'embedding', kind: 'embedding', dtype: 'BF16', bytes: 3145728 },
 *   { layer: 'norm', kind: 'norm', dtype: 'F32', bytes: 1048576 },
 * ]);
 * String(figure); // 'Bytes by layer and type: 4.0 MiB in 2 layers; BF16 75%, F32 25%'
 * ```
 */
export async function treemapFigure(
  parts: readonly TreemapPart[],
  title = 'Bytes by layer and type',
): Promise<Figure> {
  const drawn = await prepare(parts, title);
  return new Figure(
    spec(drawn),
    () => drawSvg((plot) => svg(plot, drawn), drawn, legend(drawn)),
    () => `${drawn.title}: ${drawn.summary}`,
  );
}

interface Node {
  readonly part?: TreemapPart;
  readonly children?: readonly Node[];
}

async function prepare(given: readonly TreemapPart[], title: string): Promise<DrawnTreemap> {
  const { hierarchy, treemap } = await import('d3-hierarchy');
  const parts = given.map((part) => ({ ...part, bytes: finite(part.bytes) }));
  const layers = groupBy(parts, ({ layer }) => layer);
  const tree: Node = {
    children: [...layers.values()].map((own) => ({ children: own.map((part) => ({ part })) })),
  };
  const root = hierarchy<Node>(tree, ({ children }) => children)
    .sum(({ part }) => part?.bytes ?? 0)
    .sort((one, two) => two.value! - one.value!);
  const leaves = treemap<Node>().size([WIDTH, HEIGHT])(root).leaves();
  const kinds = [...new Set(parts.map(({ kind }) => kind))];
  const tiles = leaves.flatMap(({ data: { part }, x0, x1, y0, y1 }) =>
    part && part.bytes > 0
      ? [
          {
            ...part,
            x1: x0,
            x2: x1,
            y1: y0,
            y2: y1,
            color: colorOf(part.kind, kinds.indexOf(part.kind)),
            label: labelOf(part, x1 - x0, y1 - y0),
          },
        ]
      : [],
  );
  return { title, summary: summarize(parts, layers.size), tiles, kinds };
}

function summarize(parts: readonly TreemapPart[], layers: number): string {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const types = [...groupBy(parts, ({ dtype }) => dtype)]
    .map(([dtype, own]) => ({ dtype, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) }))
    .sort((one, two) => two.bytes - one.bytes)
    .map(({ dtype, bytes }) => `${dtype} ${percent(bytes / (total || 1))}`);
  return `${formatBytes(total)} in ${plural(layers, 'layer')}${types.length > 0 ? `; ${types.join(', ')}` : ''}`;
}

/** What fits into a tile of so many pixels. */
function labelOf({ layer, bytes }: TreemapPart, width: number, height: number): string {
  const letters = Math.floor((width - 8) / LETTER);
  if (letters < 4 || height < 18) return '';
  const name = clip(layer, letters);
  const size = formatBytes(bytes);
  return height >= 34 && size.length <= letters ? `${name}\n${size}` : name;
}

function spec({ kinds, summary, tiles, title }: DrawnTreemap) {
  const data = kinds.map((kind, index) => {
    const own = tiles.filter((tile) => tile.kind === kind);
    return rectangleTrace(own, {
      name: plotlyText(kind),
      text: own.map(({ layer, dtype, bytes }) => plotlyText(`${layer}: ${dtype}, ${formatBytes(bytes)}`)),
      hovertemplate: '%{text}<extra></extra>',
      marker: { color: colorOf(kind, index), line: { width: 1.5, color: 'rgba(255,255,255,0.85)' } },
    });
  });
  const hidden = { visible: false, fixedrange: true };
  const layout = plotlyLayout(title, summary, {
    height: HEIGHT + 100,
    margin: { l: 16, r: 16, t: 76, b: 16 },
    xaxis: { range: [0, WIDTH], ...hidden },
    yaxis: { range: [HEIGHT, 0], ...hidden },
    barmode: 'overlay',
    showlegend: true,
    annotations: tiles
      .filter(({ label }) => label !== '')
      .map(({ color, label, x1, y1 }) => ({
        x: x1,
        y: y1,
        xanchor: 'left',
        yanchor: 'top',
        align: 'left',
        showarrow: false,
        text: plotlyText(label).replace('\n', '<br>'),
        font: { color: inkOn(color), size: 11 },
      })),
    uirevision: 'treemap',
  });
  return { data, layout };
}

function svg(plot: Plot, { tiles }: DrawnTreemap): PlotOptions {
  return {
    height: HEIGHT + 84,
    marginLeft: 16,
    marginBottom: 20,
    x: { domain: [0, WIDTH], axis: null },
    y: { domain: [HEIGHT, 0], axis: null },
    color: { type: 'identity' },
    marks: [
      rectangleMark(plot, tiles, 0.75),
      plot.text(tiles, {
        x: 'x1',
        y: 'y1',
        text: 'label',
        dx: 5,
        dy: 5,
        textAnchor: 'start',
        lineAnchor: 'top',
        fontSize: 11,
        fill: ({ color }: Tile) => inkOn(color),
      }),
      ...(tiles.length === 0 ? [plot.text(['no weights'], { frameAnchor: 'middle' })] : []),
    ],
  };
}

function legend({ kinds }: DrawnTreemap) {
  return kinds.map((name, index) => ({ name, color: colorOf(name, index) }));
}

function groupBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item));
    if (group) group.push(item);
    else groups.set(nameOf(item), [item]);
  }
  return groups;
}
