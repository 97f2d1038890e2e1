/** Attention that sees so many positions: how wide, and in which blocks. */
import type { ConfigReader } from '../../model/config';

/** Positions that a query sees, itself included; undefined = all before it. */
export function slidingWindow(config: ConfigReader): number | undefined {
  return config.has('sliding_window') ? config.count('sliding_window') : undefined;
}

/** Whether a block slides: `layer_types` says so, or where it is absent the rule of the family. */
export function slides(config: ConfigReader, rule: (index: number) => boolean): (index: number) => boolean {
  const types = config.texts('layer_types');
  return types ? (index) => types[index] === 'sliding_attention' : rule;
}

/** Qwen's: a window only where it is switched on, and only in the later blocks. */
export function qwenWindow(config: ConfigReader): (index: number) => { window?: number | undefined } {
  if (!config.flag('use_sliding_window', false)) return () => ({});
  const window = slidingWindow(config);
  const isSliding = slides(config, (index) => index >= config.count('max_window_layers', 28));
  return (index) => (isSliding(index) ? { window } : {});
}
