/** Figures of a tensor's values, gathered chunk by chunk, so that memory stays small however large the tensor is. */
import {
  distributionFigure,
  type Figure,
  heatMapFigure,
  jupyterDisplay,
  type MimeBundle,
  Table,
} from '../display';

/** Values from `from` up to, and without, `to`; the last bin has its `to` in it. */
export interface ValueBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Means of the parts of a matrix. */
export interface Blocks {
  /** by row of blocks; NaN for a block without a finite value */
  readonly means: readonly (readonly number[])[];
  /** of the matrix */
  readonly rows: number;
  readonly columns: number;
}

/** Of the finite values; the others are counted. */
export interface Moments {
  readonly count: number;
  readonly finite: number;
  readonly nan: number;
  readonly infinite: number;
  readonly zeros: number;
  /** NaN when no value is finite, as are all below */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** of the population: divided by the count */
  readonly std: number;
}

/** What `tensor.statistics()` gives. */
export class TensorStatistics implements Moments {
  readonly count: number;
  readonly finite: number;
  readonly nan: number;
  readonly infinite: number;
  readonly zeros: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly std: number;
  /** the share of values that are 0 */
  readonly sparsity: number;

  /** Statistics come from `tensor.statistics()`. */
  constructor(
    /** the tensor's name, type and shape */
    readonly title: string,
    moments: Moments,
    /** of equal width, over the finite values */
    readonly histogram: readonly ValueBin[],
    /** null unless the tensor has two axes or more; the last is that of columns */
    readonly blocks: Blocks | null,
  ) {
    this.count = moments.count;
    this.finite = moments.finite;
    this.nan = moments.nan;
    this.infinite = moments.infinite;
    this.zeros = moments.zeros;
    this.min = moments.min;
    this.max = moments.max;
    this.mean = moments.mean;
    this.std = moments.std;
    this.sparsity = moments.count === 0 ? 0 : moments.zeros / moments.count;
  }

  /** How often which values are. */
  plotHistogram(): Figure {
    return distributionFigure({ title: this.title, bins: this.histogram, notes: this.#notes() });
  }

  /** A matrix in blocks, each the mean of its values; of a vector the histogram. */
  plot(): Figure {
    return this.blocks
      ? heatMapFigure({ title: this.title, ...this.blocks, notes: this.#notes() })
      : this.plotHistogram();
  }

  table(): Table {
    return new Table(
      [
        'values',
        { label: 'min', unit: 'number' },
        { label: 'max', unit: 'number' },
        { label: 'mean', unit: 'number' },
        { label: 'std', unit: 'number' },
        { label: 'zeros', unit: 'percent' },
        { label: 'NaN', unit: 'count' },
        { label: 'infinite', unit: 'count' },
      ],
      [[String(this.count), this.min, this.max, this.mean, this.std, this.sparsity, this.nan, this.infinite]],
      { caption: this.title },
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): Promise<MimeBundle> {
    return this.plotHistogram()[jupyterDisplay]();
  }

  /** What a picture of finite values does not show. */
  #notes(): string {
    const short = (value: number) => String(Number(value.toPrecision(3)));
    const notes = [
      `mean ${short(this.mean)}`,
      `std ${short(this.std)}`,
      `zeros ${(100 * this.sparsity).toFixed(1)}%`,
    ];
    if (this.nan > 0) notes.push(`${this.nan} NaN`);
    if (this.infinite > 0) notes.push(`${this.infinite} infinite`);
    return notes.join(', ');
  }
}

/** Counts, extremes and moments; chunks are joined as Chan et al. (1979) do, so that no digits are lost. */
export class MomentsBuilder {
  #count = 0;
  #finite = 0;
  #nan = 0;
  #zeros = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #mean = 0;
  /** sum of squared differences from the mean */
  #squares = 0;

  add(values: Float32Array): void {
    let [finite, nan, zeros, sum] = [0, 0, 0, 0];
    let [min, max] = [this.#min, this.#max];
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i]!;
      if (value - value !== 0) {
        if (Number.isNaN(value)) nan += 1;
        continue;
      }
      finite += 1;
      sum += value;
      if (value === 0) zeros += 1;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    const mean = finite > 0 ? sum / finite : 0;
    let squares = 0;
    for (let i = 0; i < values.length; i += 1) {
      const difference = values[i]! - mean;
      if (difference - difference === 0) squares += difference * difference;
    }
    this.#join(finite, mean, squares);
    this.#count += values.length;
    this.#nan += nan;
    this.#zeros += zeros;
    this.#min = min;
    this.#max = max;
  }

  get moments(): Moments {
    const none = this.#finite === 0;
    return {
      count: this.#count,
      finite: this.#finite,
      nan: this.#nan,
      infinite: this.#count - this.#finite - this.#nan,
      zeros: this.#zeros,
      min: none ? Number.NaN : this.#min,
      max: none ? Number.NaN : this.#max,
      mean: none ? Number.NaN : this.#mean,
      std: none ? Number.NaN : Math.sqrt(this.#squares / this.#finite),
    };
  }

  #join(finite: number, mean: number, squares: number): void {
    if (finite === 0) return;
    const all = this.#finite + finite;
    const difference = mean - this.#mean;
    this.#mean += (difference * finite) / all;
    this.#squares += squares + (difference * difference * this.#finite * finite) / all;
    this.#finite = all;
  }
}

/** Bins of equal width between the least and the largest value. */
export class HistogramBuilder {
  readonly #counts: Float64Array;
  readonly #width: number;

  constructor(
    private readonly min: number,
    private readonly max: number,
    bins: number,
  ) {
    this.#counts = new Float64Array(max > min ? bins : Number.isNaN(min) ? 0 : 1);
    this.#width = (max - min) / this.#counts.length;
  }

  add(values: Float32Array): void {
    const [counts, min, last] = [this.#counts, this.min, this.#counts.length - 1];
    if (last < 0) return;
    const perUnit = this.#width > 0 ? 1 / this.#width : 0;
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i]!;
      if (value - value === 0) counts[Math.min(last, Math.floor((value - min) * perUnit))]! += 1;
    }
  }

  get bins(): ValueBin[] {
    return Array.from(this.#counts, (count, index) => ({
      from: this.min + index * this.#width,
      to: index + 1 === this.#counts.length ? this.max : this.min + (index + 1) * this.#width,
      count,
    }));
  }
}

/** Means of at most so many blocks in each direction. */
export class BlocksBuilder {
  readonly #down: number;
  readonly #across: number;
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;
  /** the block of each column */
  readonly #blockOf: Uint16Array;

  constructor(
    private readonly rows: number,
    private readonly columns: number,
    most: number,
  ) {
    this.#down = Math.min(most, rows);
    this.#across = Math.min(most, columns);
    this.#sums = new Float64Array(this.#down * this.#across);
    this.#counts = new Float64Array(this.#down * this.#across);
    this.#blockOf = Uint16Array.from({ length: columns }, (_, column) =>
      Math.floor((column * this.#across) / columns),
    );
  }

  /** @param first the number of the first value in the matrix */
  add(first: number, values: Float32Array): void {
    const [sums, counts, blockOf, columns] = [this.#sums, this.#counts, this.#blockOf, this.columns];
    let column = first % columns;
    let row = (first - column) / columns;
    let begin = Math.floor((row * this.#down) / this.rows) * this.#across;
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i]!;
      if (value - value === 0) {
        const block = begin + blockOf[column]!;
        sums[block]! += value;
        counts[block]! += 1;
      }
      column += 1;
      if (column === columns) {
        column = 0;
        row += 1;
        begin = Math.floor((row * this.#down) / this.rows) * this.#across;
      }
    }
  }

  get blocks(): Blocks {
    const mean = (block: number) => this.#sums[block]! / this.#counts[block]!;
    const means = Array.from({ length: this.#down }, (_, row) =>
      Array.from({ length: this.#across }, (_, column) => mean(row * this.#across + column)),
    );
    return { means, rows: this.rows, columns: this.columns };
  }
}
