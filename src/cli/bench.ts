/** `hyperion bench`: what the design's choices bring, measured on this machine beside what they replace. */
import type { Command } from 'commander';
import { registerLoading } from './bench/loading-command';
import { registerMemory } from './bench/memory-command';
import { registerModel } from './bench/model-command';

export function register(program: Command): void {
  const bench = program.command('bench').description('measure on this machine what the engine brings');
  registerLoading(bench);
  registerMemory(bench);
  registerModel(bench);
}
