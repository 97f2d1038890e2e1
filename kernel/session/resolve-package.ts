/** Lets cells import this package from any folder, and tslab's own display from cells. */
import Module from 'node:module';
import { PACKAGE_NAME, packageRoot } from './compiler';

type Resolve = (request: string, ...rest: unknown[]) => string;

/** From now on `require` and `import` of the package name find this package, whatever is installed beside the notebook. */
export function resolvePackage(): void {
  const loader = Module as unknown as { _resolveFilename: Resolve };
  const resolve = loader._resolveFilename;
  loader._resolveFilename = (request, ...rest) =>
    resolve.call(Module, request === PACKAGE_NAME ? packageRoot : request, ...rest);
}
