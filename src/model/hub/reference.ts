/** The names of models on the hub: `org/name`, with a revision and a file if one is meant, as `hf:org/name@revision/file`. */
import { HyperionError } from '../../errors';

/** What such a name says. */
export interface HubReference {
  readonly repo: string;
  /** a branch, a tag or a commit */
  readonly revision: string;
  /** one file with weights, by its path in the repository */
  readonly file: string | undefined;
}

const REFERENCE =
  /^(?:hf:(?:\/\/)?)?([^/@]+\/[^/@]+|[^/@]+(?=@|$))(?:@((?:refs\/[^/]+\/)?[^/]+))?(?:\/(.+))?$/;
const REPO_PART = /^(?!.*(?:--|\.\.))\w(?:[\w.-]{0,94}\w)?$/;
const REVISION_PART = /^(?!.*\.\.)[\w+-][\w.+@=-]*$/;

/** Whether a path names a model on the hub. */
export function isHubReference(path: string): boolean {
  return path.startsWith('hf:');
}

/**
 * Takes a name apart. A slash within a revision is written %2F, but for refs/pr/1 and the like. The revision is main when none
 * is named.
 *
 * @throws HyperionError `INVALID` when it is no such name: parts of it become parts of paths
 * @example
 * ```ts
 * const { repo, revision, file } = parseReference('hf:org/name@v1.0/model-q4_0.gguf');
 * repo; // 'org/name'
 * revision; // 'v1.0'
 * file; // 'model-q4_0.gguf'
 * ```
 */
export function parseReference(text: string): HubReference {
  const [, repo = '', revision = 'main', file] = REFERENCE.exec(text) ?? [];
  if (!repo.split('/').every((part) => REPO_PART.test(part)))
    throw new HyperionError(
      'INVALID',
      `'${text}' names no model on the hub; write it as org/name, org/name@revision or org/name/file.gguf`,
    );
  return { repo, revision: checkRevision(revision.replace(/%2f/gi, '/')), file };
}

/** @throws HyperionError `INVALID` unless it can be the name of a branch, a tag or a commit */
export function checkRevision(revision: string): string {
  if (revision.split('/').every((part) => REVISION_PART.test(part))) return revision;
  throw new HyperionError('INVALID', `revision '${revision}' is no name of a branch, a tag or a commit`);
}
