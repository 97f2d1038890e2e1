/** JupyterLab's renderer of plotly figures. Updates of a display are drawn into the same picture, which keeps its zoom. */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { FigureRenderer, MIME_TYPE } from './renderer';

const extension: IRenderMime.IExtension = {
  id: 'hyperion-lab-extension:figures',
  rendererFactory: {
    safe: true,
    mimeTypes: [MIME_TYPE],
    createRenderer: () => new FigureRenderer(),
  },
  // Below 0: before every renderer of JupyterLab's own, so that a bundle's figure wins over its picture and its text.
  rank: -10,
  dataType: 'json',
};

export default extension;
