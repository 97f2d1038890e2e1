/** What the kernel says of itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Json, PROTOCOL_VERSION } from '../wire/message';

/** The version of the package. */
export function packageVersion(): string {
  const file = join(__dirname, '..', '..', '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Content of a kernel_info_reply. It needs no compiler: it is answered before there is one. */
export function kernelInfo(): Json {
  const version = packageVersion();
  return {
    status: 'ok',
    protocol_version: PROTOCOL_VERSION,
    implementation: 'hyperion-lab',
    implementation_version: version,
    banner: `Hyperion Lab ${version}: TypeScript on Node ${process.version}; the package is imported as hyperion`,
    help_links: [{ text: 'TypeScript', url: 'https://www.typescriptlang.org/docs/' }],
    language_info: {
      name: 'typescript',
      // That of tslab 1.0.22.
      version: '5.0.4',
      mimetype: 'text/typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      codemirror_mode: { mode: 'typescript', name: 'javascript', typescript: true },
      nbconvert_exporter: 'script',
    },
  };
}
