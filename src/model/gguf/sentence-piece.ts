/**
 * SentencePiece vocabularies as BPE. A SentencePiece BPE model joins whichever neighbours make the token of the highest
 * score; merges in the order of those scores do the same. The rule: transformers, `convert_slow_tokenizer.py`.
 */

/**
 * The merges that make each of `pieces`, best score first.
 *
 * @param pieces the tokens that merging may make, with their scores
 */
export function mergesFromScores(pieces: ReadonlyMap<string, number>): [string, string][] {
  const merges: { pair: [string, string]; score: number }[] = [];
  for (const [piece, score] of pieces) {
    const characters = Array.from(piece);
    let left = '';
    for (let at = 1; at < characters.length; at += 1) {
      left += characters[at - 1];
      const right = piece.slice(left.length);
      // A single character need not be a token to be joined with another.
      const isMade = (at === 1 || pieces.has(left)) && (at === characters.length - 1 || pieces.has(right));
      if (isMade) merges.push({ pair: [left, right], score });
    }
  }
  merges.sort((a, b) => b.score - a.score || b.pair[0].length - a.pair[0].length);
  return merges.map(({ pair }) => pair);
}
