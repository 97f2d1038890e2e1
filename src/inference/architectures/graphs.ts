/** What architectures are built of, for those who write their own: the helpers, under one name. */
export { ConfigReader } from '../../model/config';
export { bufferTable, layer, TensorTable } from '../../scheduling/graph';
export { GraphBuilder, type LinearOptions } from './builder';
export { type DecoderTraits, gatedDecoder } from './gated-decoder';
export { readRotary, rotaryTable } from './rotary';
export { type HeadSizes, readActivation, readSizes } from './sizes';
