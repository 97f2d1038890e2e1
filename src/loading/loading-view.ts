/** What loading does, read and never waited for: states of layers, statistics, and why it is as it is. Of a loader or of a session. */
import { checkNumber } from '../checks';
import { jupyterDisplay, type MimeBundle, type Table } from '../display';
import { HyperionError } from '../errors';
import type { NativeLoading, NativeStoreStatistics, Policy } from '../native';
import { Explanation } from './explanation';
import { findLayer } from './find-layer';
import { type LoaderLayer, layersOf, layerTable } from './layers';
import { type LoadingStatistics, withRates } from './statistics';

/** How the engine is asked. Each call throws `CLOSED` once the owner is closed. */
export interface LoadingSource {
  /** how it is called in sentences, e.g. 'session' */
  readonly what: string;
  readonly layerNames: readonly string[];
  readonly policy: Policy;
  budget(): number;
  loading(): NativeLoading;
  statistics(): NativeStoreStatistics;
  setPriority(layer: number, priority: number): void;
}

/** A session's loading; a loader is one too, with more. */
export class LoadingView {
  /** Views come from `session.loader`. */
  constructor(private readonly source: LoadingSource) {}

  /** The layers as they are now, in the order of execution. @throws HyperionError `CLOSED` */
  get layers(): readonly LoaderLayer[] {
    return layersOf(this.source.layerNames, this.source.loading().layers);
  }

  /** @throws HyperionError `CLOSED` */
  get statistics(): LoadingStatistics {
    return withRates(this.source.statistics());
  }

  /**
   * With the policy 'priority': of two layers the one of the lower priority gives way. 0 unless it is set.
   *
   * @param layer its index or name
   * @throws HyperionError `INVALID` for a layer that there is not, or another policy; `CLOSED`
   */
  setPriority(layer: number | string, priority: number): void {
    const { policy, layerNames, what } = this.source;
    if (policy !== 'priority')
      throw new HyperionError(
        'INVALID',
        `the ${what} has the policy '${policy}', which knows no priorities; make it with policy: 'priority'`,
      );
    const most = Number.MAX_SAFE_INTEGER;
    this.source.setPriority(findLayer(layerNames, layer), checkNumber('priority', priority, -most, most));
  }

  /** What stays, what streams through how much memory, how far is read ahead, and what that follows from. @throws HyperionError `CLOSED` */
  explain(): Explanation {
    const { what, policy, layerNames } = this.source;
    const loading = this.source.loading();
    return new Explanation({
      ...loading,
      ...{ what, policy, budgetBytes: this.source.budget(), statistics: this.statistics },
      layers: layersOf(layerNames, loading.layers),
    });
  }

  /** A row for each layer. @throws HyperionError `CLOSED` */
  table(): Table {
    return layerTable(this.layers);
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}
