/** The part of plotly.js that the renderer calls; the package of the basic traces carries no types of its own. */
declare module 'plotly.js-basic-dist-min' {
  interface Plotly {
    react(node: HTMLElement, data: object[], layout: object, config: object): Promise<HTMLElement>;
    purge(node: HTMLElement): void;
    Plots: { resize(node: HTMLElement): Promise<void> };
  }
  const plotly: Plotly;
  export default plotly;
}
