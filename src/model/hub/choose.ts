/** Which files of a repository make the model: configuration, tokenizer, and the weights in one form of the several there may be. */
import { HyperionError } from '../../errors';
import { isObject, type JsonObject } from '../files';
import type { HubReference } from './reference';

interface Named {
  readonly path: string;
}

export interface Choice<File extends Named> {
  readonly files: readonly File[];
  /** what is opened, within the repository's folder; empty for the folder itself */
  readonly model: string;
}

export interface Wanted {
  /** patterns of paths, in which * stands for anything, instead of what a model needs */
  readonly include?: readonly string[] | undefined;
  /** what `INDEX` holds, where there is one */
  readonly index?: JsonObject | undefined;
}

export const INDEX = 'model.safetensors.index.json';

const SETTINGS = new RegExp(
  '^(?:(?:config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|' +
    'modules|sentence_bert_config|config_sentence_transformers)\\.json|' +
    'merges\\.txt|vocab\\.txt|[^/]+\\.(?:jinja|model)|\\d+_Pooling/config\\.json)$',
);
/** Of a GGUF file in parts the first stands for all. */
const LATER_PART = /-(?!00001)\d{5}-of-\d{5}\.gguf$/;
/** Vision encoders lie beside the model that they serve. */
const PROJECTOR = /(?:^|\/)mmproj[^/]*\.gguf$/;

/**
 * Chooses the files that are needed to open the model.
 *
 * @throws HyperionError `INVALID` when more than one model could be meant, or no file is; `UNSUPPORTED` when its weights are in no
 *   format that can be read; `BAD_FORMAT` when its index names what is not there
 */
export function chooseFiles<File extends Named>(
  { repo, file }: Pick<HubReference, 'repo' | 'file'>,
  files: readonly File[],
  { include, index }: Wanted = {},
): Choice<File> {
  if (include) {
    const patterns = include.map(globToRegExp);
    const chosen = files.filter(({ path }) => patterns.some((pattern) => pattern.test(path)));
    if (chosen.length > 0) return { files: chosen, model: '' };
    throw new HyperionError('INVALID', `no file of ${repo} is named like ${include.join(' or ')}`);
  }
  const model = file ?? chooseModel(repo, files);
  const isSharded = model === '' && files.some(({ path }) => path === INDEX);
  const weights = isSharded ? [INDEX, ...shards(repo, index ?? {})] : parts(model || 'model.safetensors');
  const byPath = new Map(files.map((entry) => [entry.path, entry]));
  for (const path of weights) if (!byPath.has(path)) throw missing(repo, path, file, files);
  const settings = files.filter(({ path }) => SETTINGS.test(path)).map(({ path }) => path);
  return { files: [...new Set([...settings, ...weights])].map((path) => byPath.get(path)!), model };
}

/** The one file with weights, or nothing where the folder is a model as it stands. */
function chooseModel(repo: string, files: readonly Named[]): string {
  const paths = files.map(({ path }) => path);
  if (paths.includes(INDEX) || paths.includes('model.safetensors')) return '';
  const safetensors = paths.filter((path) => /^[^/]+\.safetensors$/.test(path));
  const gguf = paths.filter(
    (path) => /\.gguf$/.test(path) && !LATER_PART.test(path) && !PROJECTOR.test(path),
  );
  const candidates = safetensors.length > 0 ? safetensors : gguf;
  if (candidates.length === 1) return candidates[0]!;
  if (candidates.length > 1)
    throw new HyperionError(
      'INVALID',
      `${repo} holds ${candidates.length} models; name one of them, as hf:${repo}/${candidates[0]}: ${candidates.join(', ')}`,
    );
  const others = paths.filter((path) => /\.(?:bin|pt|pth|h5|msgpack|onnx)$/.test(path));
  throw new HyperionError(
    'UNSUPPORTED',
    `${repo} has no weights in safetensors or GGUF${others.length > 0 ? `, only ${others.join(', ')}` : ''}; look for a repository that does`,
  );
}

function shards(repo: string, index: JsonObject): string[] {
  const names = isObject(index.weight_map) ? Object.values(index.weight_map) : [];
  if (names.length > 0 && names.every((name) => typeof name === 'string')) return [...new Set(names)].sort();
  throw new HyperionError('BAD_FORMAT', `${INDEX} of ${repo} does not say which file holds which tensor`);
}

/** A GGUF file in parts is named by its first. */
function parts(model: string): string[] {
  const [, stem, count] = /^(.*)-\d{5}-of-(\d{5})\.gguf$/.exec(model) ?? [];
  if (!count) return [model];
  const number = (value: number) => String(value).padStart(5, '0');
  return Array.from({ length: Number(count) }, (_, part) => `${stem}-${number(part + 1)}-of-${count}.gguf`);
}

function missing(
  repo: string,
  path: string,
  asked: string | undefined,
  files: readonly Named[],
): HyperionError {
  if (path !== asked)
    return new HyperionError(
      'BAD_FORMAT',
      `${repo} is incomplete: ${path}, a part of its weights, is missing`,
    );
  const others = files.map((entry) => entry.path).filter((name) => /\.(?:gguf|safetensors)$/.test(name));
  return new HyperionError(
    'INVALID',
    `${repo} has no file ${path}; files with weights: ${others.join(', ')}`,
  );
}

/** As the Python tools read their patterns: a star stands for slashes too. */
function globToRegExp(glob: string): RegExp {
  const literal = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replace(/\*/g, '.*').replace(/\?/g, '.')}$`, 's');
}
