/**
 * Node hangs the current cell on promises and timers (see `currentCell`), under symbols that `util.inspect` prints.
 * Cells print promises and timers as they would without a kernel.
 */
import { inspect } from 'node:util';

const CONTEXT = /^Symbol\((async_?id_symbol|async_?id|trigger_?async_?id(_symbol)?|kResourceStore)\)$/i;

type Custom = (this: object, ...args: unknown[]) => unknown;

export function hideAsyncContext(): void {
  const timeout = setTimeout(() => {}, 0);
  const immediate = setImmediate(() => {});
  for (const example of [Promise.resolve(), timeout, immediate])
    hideIn(Object.getPrototypeOf(example) as object);
  clearTimeout(timeout);
  clearImmediate(immediate);
}

function hideIn(prototype: object): void {
  const original = (prototype as { [inspect.custom]?: Custom })[inspect.custom];
  // A value that is returned as it is, is printed in the usual way.
  const custom: Custom = function (...args) {
    for (const symbol of Object.getOwnPropertySymbols(this)) {
      if (CONTEXT.test(String(symbol))) Object.defineProperty(this, symbol, { enumerable: false });
    }
    return original === undefined ? this : original.apply(this, args);
  };
  Object.defineProperty(prototype, inspect.custom, { value: custom, configurable: true, writable: true });
}
