/** Completion, inspection and completeness of code, with the types of the session. */
import type { Json } from '../wire/message';
import { isCompleteCode, printQuickInfo, ts } from './compiler';
import type { Evaluator } from './evaluator';
import { toCodePoints, toUtf16 } from './positions';

/** Content of a complete_reply. */
export function complete(evaluator: Evaluator, code: string, cursor: number): Json {
  const { start, end, candidates, original } = evaluator.complete(code, toUtf16(code, cursor));
  const kinds = new Map(original?.entries.map(({ name, kind }) => [name, kind]));
  const [cursorStart, cursorEnd] = [toCodePoints(code, start), toCodePoints(code, end)];
  // JupyterLab shows an icon for the type.
  const types = candidates.map((text) => ({
    start: cursorStart,
    end: cursorEnd,
    text,
    type: kinds.get(text) ?? '',
  }));
  return {
    status: 'ok',
    matches: candidates,
    cursor_start: cursorStart,
    cursor_end: cursorEnd,
    metadata: { _jupyter_types_experimental: types },
  };
}

/** Content of an inspect_reply: signature and documentation. */
export function inspect(evaluator: Evaluator, code: string, cursor: number): Json {
  const info = evaluator.inspect(code, toUtf16(code, cursor));
  if (!info) return { status: 'ok', found: false, data: {}, metadata: {} };
  const text = (parts: { text: string }[] | undefined) => (parts ?? []).map((part) => part.text).join('');
  const markdown = `\`\`\`typescript\n${text(info.displayParts)}\n\`\`\`\n\n${text(info.documentation)}`;
  const data = { 'text/plain': printQuickInfo(info), 'text/markdown': markdown };
  return { status: 'ok', found: true, data, metadata: {} };
}

/** Content of an is_complete_reply: a console asks whether Enter runs the code. */
export function isComplete(code: string): Json {
  const { completed, indent } = isCompleteCode(code);
  if (!completed) return { status: 'incomplete', indent: indent ?? '' };
  const { diagnostics = [] } = ts.transpileModule(code, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext },
  });
  return { status: diagnostics.length > 0 ? 'invalid' : 'complete' };
}
