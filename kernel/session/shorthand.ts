/**
 * `{ name }` with a variable of an earlier cell. tslab makes `exports.name` of such a variable wherever it is named, but asks the checker
 * for its symbol in a way that gives the property's here, and leaves it as it is. Ours answers for the variable, and writes the
 * property in full.
 */
import type * as TS from '@tslab/typescript-for-tslab';

const answering = new WeakSet<TS.TypeChecker>();

/** Makes the checker of a program answer for what a shorthand property refers to. */
export function answerForShorthand(ts: typeof TS, program: TS.Program): void {
  const checker = program.getTypeChecker();
  // A program that stays as it is keeps its checker.
  if (answering.has(checker)) return;
  answering.add(checker);
  const { getSymbolAtLocation } = checker;
  checker.getSymbolAtLocation = (node) =>
    node.parent && ts.isShorthandPropertyAssignment(node.parent) && node.parent.name === node
      ? checker.getShorthandAssignmentValueSymbol(node.parent)
      : getSymbolAtLocation(node);
}

/** `ts.visitEachChild`, in which a shorthand property whose name is visited to something else becomes a property in full. */
export function visitShorthandInFull(ts: typeof TS): typeof TS.visitEachChild {
  const visitEachChild = <T extends TS.Node>(
    node: T,
    visitor: TS.Visitor,
    context: TS.TransformationContext,
  ) => {
    if (!ts.isShorthandPropertyAssignment(node)) return ts.visitEachChild(node, visitor, context);
    const value = visitor(node.name) as TS.Expression;
    if (value === node.name) return ts.visitEachChild(node, visitor, context);
    const { objectAssignmentInitializer: initial } = node;
    const whole = initial ? ts.factory.createAssignment(value, visitor(initial) as TS.Expression) : value;
    return ts.factory.createPropertyAssignment(node.name.text, whole);
  };
  return visitEachChild as typeof TS.visitEachChild;
}
