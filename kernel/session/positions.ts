/** The protocol counts positions in Unicode code points, JavaScript in UTF-16 units. */

/** The index in UTF-16 units of the code point number `position`; past the end it is the end. */
export function toUtf16(text: string, position: number): number {
  let index = 0;
  for (let left = position; left > 0 && index < text.length; left--) {
    index += text.codePointAt(index)! > 0xffff ? 2 : 1;
  }
  return index;
}

/** The number of code points before `index` in UTF-16 units. */
export function toCodePoints(text: string, index: number): number {
  return [...text.slice(0, index)].length;
}
