/** Notebooks written for tslab may `import { display } from 'tslab'`: what it shows goes the kernel's way. */
import { createRequire } from 'node:module';
import type { MimeBundle } from './bundle';
import type { KernelHost } from './host';

interface TslabData {
  data: MimeBundle;
  metadata: object;
  transient: { display_id?: string };
}

export function installTslabDisplay(host: KernelHost): void {
  const jupyter = createRequire(require.resolve('tslab/package.json'))('./dist/jupyter') as {
    lastWriteDisplayData: (data: TslabData, update: boolean) => void;
  };
  jupyter.lastWriteDisplayData = ({ data, metadata, transient }, update) =>
    host.display(data, { metadata, displayId: transient.display_id, update: update === true });
}
