/** Layers as loading sees them at one moment. */
import { Table } from '../display';
import { LAYER_FIELDS, LAYER_STATES } from '../native';

export type LoaderLayerState = (typeof LAYER_STATES)[number];

/** A layer at one moment. Sizes in bytes. */
export interface LoaderLayer {
  readonly index: number;
  readonly name: string;
  /** 'prefetching' while it is read ahead, 'loading' while somebody waits; 'error' when its last load failed */
  readonly state: LoaderLayerState;
  /** of its tensors, and what lies between, in whole pages */
  readonly bytes: number;
  /** what of them is in memory */
  readonly residentBytes: number;
  /** what of them was chosen to stay; the rest streams */
  readonly staysBytes: number;
  readonly pinned: boolean;
  /** how often it was read; of a layer that is loaded in parts, parts read */
  readonly loads: number;
  /** how long the last load took, in milliseconds; null before the first */
  readonly loadMs: number | null;
  readonly priority: number;
}

/** @param rows as the engine reports them, LAYER_FIELDS for each layer */
export function layersOf(names: readonly string[], rows: Float64Array): LoaderLayer[] {
  return names.map((name, index) => {
    const row = rows.subarray(index * LAYER_FIELDS, (index + 1) * LAYER_FIELDS);
    const [state, bytes, residentBytes, staysBytes, pins, loads, loadMs, priority] = row;
    return {
      ...{ index, name, state: LAYER_STATES[state!]!, bytes: bytes!, residentBytes: residentBytes! },
      ...{ staysBytes: staysBytes!, pinned: pins! > 0, loads: loads!, priority: priority! },
      loadMs: loads! > 0 ? loadMs! : null,
    };
  });
}

/** A row for each layer. */
export function layerTable(layers: readonly LoaderLayer[]): Table {
  const columns = [
    'layer',
    'state',
    { label: 'bytes', unit: 'bytes' },
    { label: 'in memory', unit: 'bytes' },
    { label: 'stays', unit: 'bytes' },
    { label: 'loads', unit: 'count' },
    { label: 'last load', unit: 'duration' },
  ] as const;
  const rows = layers.map(({ name, state, bytes, residentBytes, staysBytes, pinned, loads, loadMs }) => [
    ...[name, pinned ? `${state}, pinned` : state, bytes, residentBytes, staysBytes, loads, loadMs],
  ]);
  return new Table(columns, rows, { maxRows: 400 });
}
