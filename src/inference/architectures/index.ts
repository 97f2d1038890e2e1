/** The architectures that can be computed, by the class name that config.json gives. A user may add their own. */
import { HyperionError } from '../../errors';
import type { ConfigReader } from '../../model/config';
import type { Architecture } from './architecture';
import { bert } from './bert';
import { gemma2 } from './gemma2';
import { gemma3 } from './gemma3';
import { gpt2 } from './gpt2';
import { llama } from './llama';
import { mistral } from './mistral';
import { phi3 } from './phi3';
import { qwen2 } from './qwen2';
import { qwen3 } from './qwen3';

const architectures: Architecture[] = [llama, mistral, qwen2, qwen3, gemma2, gemma3, phi3, gpt2, bert];

/**
 * Names of the architectures that `openModel` accepts.
 *
 * @example
 * ```ts
 * listArchitectures().slice(0, 3); // ['llama', 'mistral', 'qwen2']
 * ```
 */
export function listArchitectures(): string[] {
  return architectures.map(({ name }) => name);
}

/**
 * Adds an architecture: models whose config.json names it open from now on, in this process. `graphs` has what those of the
 * project are built of.
 *
 * @param options.replace takes the place of those that have its name or one of its classes
 * @throws HyperionError `INVALID` when it is not whole, or when one of that name or class is there already
 * @example
 * ```ts
 * // Llama with another scale of the attention scores, for models whose config.json says "MyForCausalLM"
 * registerArchitecture({
 *   name: 'mine',
 *   classes: ['MyForCausalLM'],
 *   build: (config, tensors) => graphs.gatedDecoder(config, tensors, { attentionScale: 0.1 }),
 * });
 * listArchitectures().includes('mine'); // true
 * ```
 */
export function registerArchitecture(
  architecture: Architecture,
  options: { readonly replace?: boolean } = {},
): void {
  checkArchitecture(architecture);
  const { name, classes } = architecture;
  const rivals = architectures.filter(
    (other) => other.name === name || other.classes.some((className) => classes.includes(className)),
  );
  if (rivals.length > 0 && !options.replace) {
    const [{ name: taken, classes: its }] = rivals as [Architecture];
    throw new HyperionError(
      'INVALID',
      `the architecture '${taken}' (${its.join(', ')}) is registered already; give { replace: true } to take its place`,
      { name: taken },
    );
  }
  for (const rival of rivals) architectures.splice(architectures.indexOf(rival), 1);
  architectures.push(architecture);
}

/** @throws HyperionError `UNSUPPORTED` when the configuration names no architecture that is known */
export function architectureOf(config: ConfigReader): Architecture {
  const className = config.texts('architectures')?.[0];
  const found = architectures.find((architecture) =>
    className === undefined
      ? architecture.name === config.text('model_type')
      : architecture.classes.includes(className),
  );
  if (found) return found;
  const name = className ?? config.text('model_type');
  throw config.unsupported(
    `the architecture '${name}' is not supported; ${listArchitectures().join(', ')} are`,
  );
}

function checkArchitecture({ name, classes, build }: Architecture): void {
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  if (isText(name) && Array.isArray(classes) && classes.every(isText) && typeof build === 'function') return;
  throw new HyperionError(
    'INVALID',
    'an architecture needs a name, a list of classes and a function build(config, tensors)',
  );
}
