/** One figure in a notebook: drawn by plotly.js, redrawn in place, fitted to its cell and to the theme. */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';
import { onThemeChange, themed } from './theme';

export const MIME_TYPE = 'application/vnd.plotly.v1+json';

interface Figure {
  readonly data?: object[];
  readonly layout?: object;
  readonly config?: object;
}

export class FigureRenderer extends Widget implements IRenderMime.IRenderer {
  private plotly: typeof import('plotly.js-basic-dist-min').default | undefined;
  private figure: Figure = {};
  private readonly size = new ResizeObserver(() => this.fill());
  private readonly theme = onThemeChange(() => void this.draw());

  constructor() {
    super();
    this.addClass('hyperion-Figure');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.figure = (model.data[MIME_TYPE] ?? {}) as Figure;
    // The library is over a megabyte: it comes with the first figure, not with the page.
    this.plotly ??= (await import('plotly.js-basic-dist-min')).default;
    await this.draw();
    this.size.observe(this.node);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.size.disconnect();
    this.theme.disconnect();
    this.plotly?.purge(this.node);
    super.dispose();
  }

  private async draw(): Promise<void> {
    if (!this.plotly || this.isDisposed) return;
    // Plotly keeps what it is given, writes into it, and takes an array it has seen for unchanged: it gets a copy.
    const { data = [], layout = {}, config = {} } = structuredClone(this.figure);
    await this.plotly.react(
      this.node,
      data,
      { autosize: true, uirevision: 'keep', ...themed(layout) },
      { displaylogo: false, responsive: false, ...config },
    );
  }

  private fill(): void {
    // A hidden cell has no width to fill.
    if (this.plotly && this.node.offsetParent) void this.plotly.Plots.resize(this.node);
  }
}
