/** What a session will need, told before anything is allocated. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import type { NativePlan } from '../native';

/** Bytes that a session needs, by part, and the budgets between which it can choose. */
export class Plan {
  /** the least budget under which the session runs */
  readonly smallestBudgetBytes: number;
  /** the least budget under which no layer is read twice */
  readonly workingSetBytes: number;
  /** what of the weights must be in memory at one time */
  readonly largestPartBytes: number;
  readonly activationBytes: number;
  readonly kvBytes: number;
  readonly scratchBytes: number;
  readonly stagingBytes: number;
  /** of all layers together */
  readonly weightBytes: number;
  /** tokens that a prefill computes together */
  readonly prefillChunk: number;

  /** @param positions tokens in the KV cache that were planned for */
  constructor(
    plan: NativePlan,
    readonly positions: number,
  ) {
    this.smallestBudgetBytes = plan.smallestBudgetBytes;
    this.workingSetBytes = plan.workingSetBytes;
    this.largestPartBytes = plan.largestPartBytes;
    this.activationBytes = plan.activationBytes;
    this.kvBytes = plan.kvBytes;
    this.scratchBytes = plan.scratchBytes;
    this.stagingBytes = plan.stagingBytes;
    this.weightBytes = plan.weightBytes;
    this.prefillChunk = plan.prefillChunk;
  }

  table(): Table {
    const rows = [
      ['smallest budget', this.smallestBudgetBytes],
      ['budget that reads nothing twice', this.workingSetBytes],
      ['weights', this.weightBytes],
      ['largest part', this.largestPartBytes],
      ['activations', this.activationBytes],
      ['kv-cache', this.kvBytes],
      ['scratch', this.scratchBytes],
      ['staging', this.stagingBytes],
    ];
    const caption = `Plan for ${this.positions} positions in the KV cache, ${this.prefillChunk} tokens computed together`;
    return new Table([{ label: 'bytes of' }, { label: 'size', unit: 'bytes' }], rows, { caption });
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}
