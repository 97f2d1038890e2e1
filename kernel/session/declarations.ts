/**
 * What a cell declares. A cell that fails or is interrupted keeps the variables that it had set; tslab's executor
 * would forget them all.
 */
import type * as TS from '@tslab/typescript-for-tslab';
import { keepNamesInImport, ts } from './compiler';

/** The names that a cell declares as values: variables, functions, classes, enums, imports. */
export function declaredNames(code: string): Set<string> {
  const names = new Set<string>();
  for (const statement of parse('cell.ts', code).statements) {
    for (const name of namesOf(statement)) names.add(name);
  }
  return names;
}

/** Is there a `for await` that tslab does not recognise as a top-level await? */
export function hasTopLevelForAwait(code: string): boolean {
  const visit = (node: TS.Node): boolean => {
    if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) return true;
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return false;
    return ts.forEachChild(node, visit) ?? false;
  };
  return code.includes('await') && visit(parse('cell.ts', code));
}

/** The declarations (`.d.ts` text) of the values to keep, and those of types if `types`. */
export function selectDeclarations(text: string, keep: (name: string) => boolean, types: boolean): string {
  const file = parse('cell.d.ts', text);
  const printer = ts.createPrinter({ newLine: ts.NewLineKind.LineFeed });
  return file.statements
    .map((statement) =>
      namesOf(statement).length > 0 ? select(statement, keep) : types ? statement : undefined,
    )
    .filter((statement) => statement !== undefined)
    .map((statement) => `${printer.printNode(ts.EmitHint.Unspecified, statement, file)}\n`)
    .join('');
}

function select(statement: TS.Statement, keep: (name: string) => boolean): TS.Statement | undefined {
  const names = namesOf(statement);
  if (names.every(keep)) return statement;
  const kept = names.filter(keep);
  if (kept.length === 0) return undefined;
  if (ts.isImportDeclaration(statement)) {
    keepNamesInImport(statement, new Set(kept as TS.__String[]));
    return statement;
  }
  if (!ts.isVariableStatement(statement)) return statement;
  const { modifiers, declarationList } = statement;
  const declarations = declarationList.declarations.filter(({ name }) => bindingNames(name).every(keep));
  const list = ts.factory.updateVariableDeclarationList(declarationList, declarations);
  return ts.factory.updateVariableStatement(statement, modifiers, list);
}

function namesOf(statement: TS.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => bindingNames(name));
  }
  if (ts.isImportDeclaration(statement)) return importedNames(statement);
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isEnumDeclaration(statement)
  ) {
    return statement.name ? [statement.name.text] : [];
  }
  return [];
}

function bindingNames(name: TS.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? bindingNames(element.name) : []));
}

function importedNames({ importClause }: TS.ImportDeclaration): string[] {
  if (importClause === undefined || importClause.isTypeOnly) return [];
  const { name, namedBindings } = importClause;
  const named =
    namedBindings === undefined
      ? []
      : ts.isNamespaceImport(namedBindings)
        ? [namedBindings]
        : namedBindings.elements;
  return [...(name ? [name.text] : []), ...named.map((element) => element.name.text)];
}

function parse(name: string, text: string): TS.SourceFile {
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
}
