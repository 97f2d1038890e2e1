/** What the kernel offers to code in cells, at `globalThis[Symbol.for('hyperion.kernel')]`. */
import type { MimeBundle } from './bundle';
import type { Comms } from './comms';
import type { Output } from './output';

export interface KernelHost {
  /** Shows a bundle in the output of the cell; with `update`, in place of the one shown as `displayId`. */
  display(bundle: MimeBundle, options?: { displayId?: string; update?: boolean; metadata?: object }): void;
  /** Removes the cell's output; with `wait`, only when the next output comes. */
  clearOutput(wait?: boolean): void;
  /** Aborted when the cell is interrupted. */
  readonly signal: AbortSignal;
  /** Keeps the running cell open until `work` settles, so that what it still shows belongs to the cell. */
  hold(work: Promise<unknown>): void;
  readonly comms: Pick<Comms, 'register' | 'connect'>;
}

export function installHost(output: Output, comms: Comms): KernelHost {
  const host: KernelHost = {
    display(data, { displayId, update = false, metadata = {} } = {}) {
      const transient = displayId === undefined ? {} : { display_id: displayId };
      output.publish(update ? 'update_display_data' : 'display_data', { data, metadata, transient });
    },
    clearOutput(wait = false) {
      output.publish('clear_output', { wait });
    },
    get signal() {
      return output.cell.abort.signal;
    },
    hold(work) {
      output.cell.held.push(work);
    },
    comms,
  };
  Object.defineProperty(globalThis, Symbol.for('hyperion.kernel'), { value: host });
  return host;
}
