/** Pictures made of rectangles. To plotly they are bars, which every build of it draws. */
import { inUnit } from './scale';
import type { Plot } from './svg';

/** From (x1, y1) to (x2, y2) in the units of the axes. */
export interface Rectangle {
  readonly x1: number;
  readonly x2: number;
  readonly y1: number;
  readonly y2: number;
  readonly color: string;
  /** from 0 to 1; default 1 */
  readonly opacity?: number;
}

const PLAIN = { name: '', size: 1 };
const short = (value: number) => inUnit(value, PLAIN);

/** A trace of bars; what it is called and what is shown over it is in `rest`. */
export function rectangleTrace(rectangles: readonly Rectangle[], rest: object): object {
  return {
    type: 'bar',
    x: rectangles.map(({ x1, x2 }) => short((x1 + x2) / 2)),
    width: rectangles.map(({ x1, x2 }) => short(x2 - x1)),
    base: rectangles.map(({ y1 }) => short(y1)),
    y: rectangles.map(({ y1, y2 }) => short(y2 - y1)),
    textposition: 'none',
    ...rest,
  };
}

/** The same as a mark of a static picture. `inset` leaves so many pixels free around each. */
export function rectangleMark(plot: Plot, rectangles: readonly Rectangle[], inset = 0) {
  return plot.rect(rectangles, {
    x1: 'x1',
    x2: 'x2',
    y1: 'y1',
    y2: 'y2',
    fill: 'color',
    fillOpacity: ({ opacity }: Rectangle) => opacity ?? 1,
    inset,
    shapeRendering: 'crispEdges',
  });
}
