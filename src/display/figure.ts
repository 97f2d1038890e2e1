/** A figure: a plotly specification, the same picture as static SVG, and a line or two of text. It holds no live state. */
import { jupyterDisplay, type MimeBundle, PLOTLY, SVG, TEXT } from './mime';

/** What plotly.js draws: traces and layout, plain JSON. */
export interface PlotlySpec {
  readonly data: readonly object[];
  readonly layout: object;
}

/**
 * A picture of data, drawn from the data alone.
 *
 * @example
 * ```ts
 * const figure = layerBytesFigure([{ name: 'embedding', kind: 'embedding', bytes: 4096, dtype: 'BF16' }]);
 * figure.spec.data.length; // 1
 * ```
 */
export class Figure {
  readonly #svg: () => Promise<string>;
  readonly #text: () => string;

  constructor(
    readonly spec: PlotlySpec,
    svg: () => Promise<string>,
    text: () => string,
  ) {
    this.#svg = svg;
    this.#text = text;
  }

  /** The picture as a stand-alone SVG document, without a browser. */
  toSVG(): Promise<string> {
    return this.#svg();
  }

  /** One or two lines that say what the picture shows. */
  toString(): string {
    return this.#text();
  }

  /** The forms that cost next to nothing: what a chart that moves sends for each of its redraws. */
  liveBundle(): MimeBundle {
    return { [PLOTLY]: this.spec, [TEXT]: this.toString() };
  }

  async [jupyterDisplay](): Promise<MimeBundle> {
    return { ...this.liveBundle(), [SVG]: await this.toSVG() };
  }
}
