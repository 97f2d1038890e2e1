/** How many layers a configuration asks for, in bounds: their list is made before the first tensor is looked up. */
import type { ConfigReader } from '../../model/config';

/** A hundred times what published models have. */
const MOST_LAYERS = 2 ** 14;

/** @throws HyperionError `BAD_FORMAT` when it is missing, or no number that a model could have */
export function layerCount(config: ConfigReader): number {
  const layers = config.count('num_hidden_layers');
  if (layers <= MOST_LAYERS) return layers;
  throw config.bad(`'num_hidden_layers' is ${layers}; up to ${MOST_LAYERS} are read`);
}
