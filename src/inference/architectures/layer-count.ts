/** How many layers a configuration asks for, in bounds: their list is made before the first tensor is looked up. */
import type { ConfigReader } from '../../model/config';

/** A hundred times what published models have. */
const MOST_LAYERS = 2 ** 14;

/** @throws HyperionError `BAD_FORMAT` when it is missing, or no number that a model could have */
export function layerCount(config: ConfigReader, field = 'num_hidden_layers'): number {
  const layers = config.count(field);
  if (layers <= MOST_LAYERS) return layers;
  throw config.bad(`'${field}' is ${layers}; up to ${MOST_LAYERS} are read`);
}
