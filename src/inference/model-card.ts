/** What a model shows of itself: facts, bytes by layer and element type, and its layers as a table. */
import { type Card, Table, type TreemapPart, treemapFigure } from '../display';
import type { Layer } from '../model/cache/layer';
import type { TensorInfo } from '../model/tensor-info';
import { formatBytes, formatCount } from '../units';

/** What a card says of a model. */
export interface ShownModel {
  readonly name: string;
  readonly architecture: string;
  readonly format: string;
  readonly parameters: number;
  readonly bytes: number;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly kvBytesPerToken: number;
  readonly kvInt8BytesPerToken: number;
  readonly smallestBudgetBytes: number;
  readonly layers: readonly Layer[];
  readonly tensors: readonly TensorInfo[];
}

export async function modelCard(model: ShownModel): Promise<Card> {
  return { ...cardFacts(model), picture: await treemapFigure(modelParts(model)) };
}

/** The card without its picture. */
export function cardFacts(model: ShownModel): Omit<Card, 'picture'> {
  const facts = [
    ['architecture', model.architecture],
    ['format', model.format],
    ['parameters', formatCount(model.parameters)],
    ['weights', formatBytes(model.bytes)],
    ['types', byBytes(model.tensors, ({ dtype }) => dtype)],
    ['recipes', byBytes(model.tensors, ({ recipe = '' }) => recipe)],
    ['tensors, layers', `${formatCount(model.tensors.length)}, ${formatCount(model.layers.length)}`],
    ['context', `${formatCount(model.contextLength)} tokens`],
    ['vocabulary', formatCount(model.vocabularySize)],
    [
      'KV cache per token',
      `${formatBytes(model.kvBytesPerToken)}; ${formatBytes(model.kvInt8BytesPerToken)} in int8`,
    ],
    ['smallest budget', formatBytes(model.smallestBudgetBytes)],
  ].map(([label, text]) => ({ label: label!, text: text! }));
  const known = facts.filter(({ text }) => text !== '');
  return { title: model.name, facts: known, table: layerTable(model.layers) };
}

/** Layers with what of them is cached. */
export function layerTable(layers: readonly Layer[]): Table {
  const columns = [
    'layer',
    'kind',
    { label: 'bytes', unit: 'bytes' },
    'dtype',
    { label: 'offset', unit: 'bytes' },
    { label: 'tensors', unit: 'count' },
    'state',
    { label: 'uses', unit: 'count' },
    { label: 'last use', unit: 'duration' },
    { label: 'priority', unit: 'number' },
  ] as const;
  const now = performance.now();
  const rows = layers.map((layer) => [
    layer.name,
    layer.kind,
    layer.bytes,
    layer.dtype,
    layer.offset,
    layer.tensors.length,
    layer.state,
    layer.accessCount,
    layer.lastAccess === null ? null : now - layer.lastAccess,
    layer.priority,
  ]);
  return new Table(columns, rows, { maxRows: 400 });
}

/** Each tensor once, where the engine holds it: what two layers share belongs to the later one. */
export function modelParts({ layers, tensors }: Pick<ShownModel, 'layers' | 'tensors'>): TreemapPart[] {
  const owner = new Map(layers.flatMap((layer) => layer.tensors.map((tensor) => [tensor, layer])));
  const parts = new Map<string, { layer: string; kind: string; dtype: string; bytes: number }>();
  for (const { name, dtype, bytes } of tensors) {
    const { name: layer, kind } = owner.get(name) ?? { name: 'in no layer', kind: 'other' };
    const part = parts.get(`${layer} ${dtype}`) ?? { layer, kind, dtype, bytes: 0 };
    part.bytes += bytes;
    parts.set(`${layer} ${dtype}`, part);
  }
  return [...parts.values()];
}

/** What tensors are, that of the most bytes first. */
function byBytes(tensors: readonly TensorInfo[], what: (tensor: TensorInfo) => string): string {
  const bytes = new Map<string, number>();
  for (const tensor of tensors) bytes.set(what(tensor), (bytes.get(what(tensor)) ?? 0) + tensor.bytes);
  return [...bytes]
    .sort((one, two) => two[1] - one[1])
    .map(([name]) => name)
    .join(', ');
}
