/** What an architecture is: names, and a function from a configuration and tensors to a graph. Leaves the list of them to `index`. */
import type { ConfigReader } from '../../model/config';
import type { NativeGraph } from '../../native';
import type { TensorTable } from '../../scheduling/graph';

export interface Architecture {
  /** the `model_type` of config.json */
  readonly name: string;
  /** the class names in `architectures` of config.json */
  readonly classes: readonly string[];
  /**
   * The graph of a model. Errors that it throws come out of `openModel` as they are: `config.bad`, `config.unsupported` and
   * `tensors.require` make those of the API.
   */
  build(config: ConfigReader, tensors: TensorTable): NativeGraph;
}
