/** What is used of d3-hierarchy, which brings no types of its own. */
declare module 'd3-hierarchy' {
  export interface HierarchyNode<T> {
    readonly data: T;
    readonly value?: number;
    readonly x0: number;
    readonly x1: number;
    readonly y0: number;
    readonly y1: number;
    sum(value: (data: T) => number): this;
    sort(compare: (one: HierarchyNode<T>, two: HierarchyNode<T>) => number): this;
    leaves(): HierarchyNode<T>[];
  }
  export function hierarchy<T>(data: T, children: (data: T) => readonly T[] | undefined): HierarchyNode<T>;
  export function treemap<T>(): {
    size(size: [number, number]): (root: HierarchyNode<T>) => HierarchyNode<T>;
  };
}
