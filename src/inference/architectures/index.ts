/** The architectures that can be computed, by the class name that config.json gives. */
import type { ConfigReader } from '../../model/config';
import type { NativeGraph } from '../../native';
import type { TensorTable } from '../../scheduling/graph';
import { buildLlama, LLAMA, MISTRAL, QWEN2 } from './llama';

export interface Architecture {
  /** the `model_type` of config.json */
  readonly name: string;
  build(config: ConfigReader, tensors: TensorTable): NativeGraph;
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  LlamaForCausalLM: { name: 'llama', build: (...args) => buildLlama(LLAMA, ...args) },
  MistralForCausalLM: { name: 'mistral', build: (...args) => buildLlama(MISTRAL, ...args) },
  Qwen2ForCausalLM: { name: 'qwen2', build: (...args) => buildLlama(QWEN2, ...args) },
};

/**
 * Names of the architectures that `openModel` accepts.
 *
 * @example
 * ```ts
 * listArchitectures(); // ['llama', 'mistral', 'qwen2']
 * ```
 */
export function listArchitectures(): string[] {
  return Object.values(ARCHITECTURES).map(({ name }) => name);
}

/** @throws HyperionError `UNSUPPORTED` when the configuration names no architecture that is known */
export function architectureOf(config: ConfigReader): Architecture {
  const className = config.texts('architectures')?.[0];
  const found = className === undefined ? byName(config.text('model_type')) : own(className);
  if (found) return found;
  const name = className ?? config.text('model_type');
  throw config.unsupported(
    `the architecture '${name}' is not supported; ${listArchitectures().join(', ')} are`,
  );
}

function own(className: string): Architecture | undefined {
  return Object.hasOwn(ARCHITECTURES, className) ? ARCHITECTURES[className] : undefined;
}

function byName(name: string): Architecture | undefined {
  return Object.values(ARCHITECTURES).find((architecture) => architecture.name === name);
}
