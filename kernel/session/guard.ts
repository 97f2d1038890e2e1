/**
 * A TypeScript transformer that puts a check at the head of every loop, so that a loop can be stopped also where no
 * signal reaches it: after an await. V8 cannot be told to stop there without taking Node down.
 */
import type * as TS from '@tslab/typescript-for-tslab';

/** The names under which compiled cells reach the kernel. */
export const STOP = '__hyperionStop';
export const CHECK = '__hyperionCheck';
export const TRACK = '__hyperionTrack';

/** Adds `if (typeof STOP !== 'undefined' && STOP[0]) CHECK();` to loops: about 1 ns; `typeof` because a worker may run the text of a function. */
export function guardLoops(ts: typeof TS): TS.TransformerFactory<TS.SourceFile> {
  return (context) => (file) => {
    const visit = (node: TS.Node): TS.Node => {
      const visited = ts.visitEachChild(node, visit, context);
      return ts.isIterationStatement(visited, false) ? withGuard(ts, context.factory, visited) : visited;
    };
    return ts.visitEachChild(file, visit, context);
  };
}

function withGuard(
  ts: typeof TS,
  factory: TS.NodeFactory,
  loop: TS.IterationStatement,
): TS.IterationStatement {
  const { statement } = loop;
  const inner = ts.isBlock(statement) ? statement.statements : [statement];
  const body = factory.createBlock([guard(ts, factory), ...inner], true);
  if (ts.isForStatement(loop)) {
    return factory.updateForStatement(loop, loop.initializer, loop.condition, loop.incrementor, body);
  }
  if (ts.isForOfStatement(loop)) {
    return factory.updateForOfStatement(loop, loop.awaitModifier, loop.initializer, loop.expression, body);
  }
  if (ts.isForInStatement(loop)) {
    return factory.updateForInStatement(loop, loop.initializer, loop.expression, body);
  }
  if (ts.isWhileStatement(loop)) return factory.updateWhileStatement(loop, loop.expression, body);
  if (ts.isDoStatement(loop)) return factory.updateDoStatement(loop, body, loop.expression);
  return loop;
}

function guard(ts: typeof TS, factory: TS.NodeFactory): TS.Statement {
  const stop = () => factory.createIdentifier(STOP);
  const defined = factory.createStrictInequality(
    factory.createTypeOfExpression(stop()),
    factory.createStringLiteral('undefined', true),
  );
  const raised = factory.createElementAccessExpression(stop(), 0);
  const check = factory.createCallExpression(factory.createIdentifier(CHECK), undefined, []);
  const statement = factory.createIfStatement(
    factory.createLogicalAnd(defined, raised),
    factory.createExpressionStatement(check),
  );
  return ts.setEmitFlags(statement, ts.EmitFlags.NoComments | ts.EmitFlags.SingleLine);
}
