/** Bytes per layer: the model in the order of its execution, coloured by what each layer does. */
import { formatBytes, formatCount } from '../units';
import { Figure } from './figure';
import { plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { colorOf, GREY } from './palette';
import { byteUnit, finite, inUnit, type Unit } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';

/** A layer and its weight in bytes. */
export interface LayerBytes {
  readonly name: string;
  readonly kind: string;
  readonly bytes: number;
  /** Element type of its tensors, e.g. `BF16`. */
  readonly dtype: string;
}

interface DrawnLayers {
  readonly layers: readonly LayerBytes[];
  readonly kinds: readonly string[];
  readonly title: string;
  readonly summary: string;
  readonly unit: Unit;
}

/**
 * Draws a bar per layer, in the order given.
 *
 * @example
 * ```ts
 * const figure = layerBytesFigure([
 *   { name: 'embedding', kind: 'embedding', bytes: 2097152, dtype: 'BF16' },
 *   { name: 'layers.0.attention', kind: 'attention', bytes: 1048576, dtype: 'BF16' },
 * ]);
 * String(figure); // 'layers: 2 layers, 3.0 MiB; largest embedding, 2.0 MiB'
 * ```
 */
export function layerBytesFigure(layers: readonly LayerBytes[], title = 'Bytes per layer'): Figure {
  const drawn = prepareLayers(layers, title);
  return new Figure(
    layersSpec(drawn),
    () => drawSvg((plot) => layersPlot(plot, drawn), drawn, layersLegend(drawn)),
    () => `layers: ${drawn.summary}`,
  );
}

function prepareLayers(given: readonly LayerBytes[], title: string): DrawnLayers {
  const layers = given.map((layer) => ({ ...layer, bytes: finite(layer.bytes) }));
  const total = layers.reduce((sum, layer) => sum + layer.bytes, 0);
  const largest = layers.reduce<LayerBytes | undefined>(
    (most, layer) => (most && most.bytes >= layer.bytes ? most : layer),
    undefined,
  );
  const count = `${formatCount(layers.length)} layer${layers.length === 1 ? '' : 's'}, ${formatBytes(total)}`;
  return {
    layers,
    kinds: [...new Set(layers.map((layer) => layer.kind))],
    title,
    summary: largest ? `${count}; largest ${largest.name}, ${formatBytes(largest.bytes)}` : 'no layers',
    unit: byteUnit(largest?.bytes ?? 0),
  };
}

function layersSpec({ layers, kinds, title, summary, unit }: DrawnLayers) {
  const data = kinds.map((kind, index) => {
    const own = layers.filter((layer) => layer.kind === kind);
    return {
      type: 'bar',
      name: plotlyText(kind),
      x: own.map((layer) => plotlyText(layer.name)),
      y: own.map((layer) => inUnit(layer.bytes, unit)),
      text: own.map((layer) => plotlyText(`${formatBytes(layer.bytes)}, ${layer.dtype}`)),
      textposition: 'none',
      hovertemplate: '%{x}<br>%{text}',
      marker: { color: colorOf(kind, index) },
    };
  });
  const layout = plotlyLayout(title, summary, {
    xaxis: {
      type: 'category',
      categoryorder: 'array',
      categoryarray: layers.map((layer) => plotlyText(layer.name)),
      automargin: true,
    },
    yaxis: plotlyAxis(`size (${unit.name})`, { rangemode: 'tozero' }),
    barmode: 'stack',
    bargap: 0.15,
    legend: { traceorder: 'normal' },
    uirevision: 'layers',
  });
  return { data, layout };
}

/** Beyond so many bars their names would lie over each other. */
const MOST_NAMES = 30;

function layersPlot(plot: Plot, { layers, kinds, unit }: DrawnLayers): PlotOptions {
  const names = layers.map((layer) => layer.name);
  const step = Math.ceil(names.length / MOST_NAMES);
  const top = layers.reduce((most, layer) => Math.max(most, layer.bytes), 0);
  return {
    height: 420,
    marginBottom: 150,
    x: { domain: names, padding: 0.15 },
    y: { domain: [0, (inUnit(top, unit) || 1) * 1.05] },
    color: { domain: [...kinds], range: kinds.map(colorOf) },
    marks: [
      plot.gridY({ ticks: 6, strokeOpacity: 0.15 }),
      plot.axisY({ ticks: 6, label: null }),
      plot.text([`size (${unit.name})`], {
        frameAnchor: 'left',
        rotate: -90,
        dx: -48,
        textAnchor: 'middle',
      }),
      plot.barY(layers, { x: 'name', y: (layer: LayerBytes) => inUnit(layer.bytes, unit), fill: 'kind' }),
      plot.axisX(
        names.filter((_, index) => index % step === 0),
        { tickRotate: -45, label: null, tickSize: 0 },
      ),
      plot.ruleY([0], { stroke: GREY }),
    ],
  };
}

function layersLegend({ kinds }: DrawnLayers) {
  return kinds.map((name, index) => ({ name, color: colorOf(name, index) }));
}
