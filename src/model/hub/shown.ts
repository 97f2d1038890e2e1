/** A pull that shows how far it is: a bar in a notebook, a line in a terminal. */
import { Progress } from '../../display';
import { type PulledModel, type PullOptions, pull } from './pull';

/** `pull` with progress on show, once there is something to download. It throws what `pull` throws. */
export async function pullShown(
  reference: string,
  options: Omit<PullOptions, 'onProgress'> = {},
): Promise<PulledModel> {
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    progress ??= new Progress(`pulling ${reference.replace(/^hf:/, '')}`, total, { unit: 'bytes' });
    progress.update(done);
  };
  return pull(reference, { ...options, onProgress }).finally(() => progress?.finish());
}
