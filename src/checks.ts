/** Checks of arguments, with messages that name the option, the value and the range. */
import { HyperionError } from './errors';

/** @throws HyperionError `INVALID` unless `value` is a whole number from `min` to `max` */
export function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (Number.isSafeInteger(value) && inRange(value as number, min, max)) return value as number;
  throw new HyperionError(
    'INVALID',
    `${name} is ${show(value)}; it must be a whole number from ${min} to ${max}`,
  );
}

/** @throws HyperionError `INVALID` unless `value` is a number from `min` to `max` */
export function checkNumber(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && inRange(value, min, max)) return value;
  throw new HyperionError('INVALID', `${name} is ${show(value)}; it must be a number from ${min} to ${max}`);
}

/** @throws HyperionError `INVALID` unless `value` is one of `choices` */
export function checkChoice<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  throw new HyperionError('INVALID', `${name} is ${show(value)}; it must be one of ${choices.join(', ')}`);
}

/** @throws HyperionError `INVALID` unless `value` is true or false */
export function checkFlag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new HyperionError('INVALID', `${name} is ${show(value)}; it must be true or false`);
}

function inRange(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
