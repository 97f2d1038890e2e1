/** What all plotly figures have in common. Grounds are transparent and letters grey, so that any theme can hold them. */
import { FAINT, GREY, VERMILION } from './palette';

/** A plotly layout with a title, a line of summary beneath it, and the rest given. */
export function plotlyLayout(title: string, summary: string, rest: object): object {
  return {
    title: {
      // Not plotly's own subtitle: when a theme changes, that one is redrawn over the title.
      text: `${plotlyText(title)}<br><span style="font-size:12px">${plotlyText(summary)}</span>`,
      font: { size: 15 },
      x: 0,
      xref: 'paper',
      xanchor: 'left',
      yref: 'container',
      y: 0.93,
      yanchor: 'top',
    },
    height: 360,
    margin: { l: 64, r: 16, t: 76, b: 48 },
    font: { color: GREY, size: 12 },
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    ...rest,
  };
}

/** An axis with a title over faint lines. */
export function plotlyAxis(title: string, rest: object): object {
  return {
    title: { text: title },
    gridcolor: FAINT,
    zerolinecolor: FAINT,
    automargin: true,
    ticks: 'outside',
    ticklen: 5,
    tickcolor: 'rgba(0,0,0,0)',
    ...rest,
  };
}

/** A dashed line across all of the frame at the height of a limit. */
export function limitLine(y: number, text: string): object {
  return {
    type: 'line',
    xref: 'paper',
    x0: 0,
    x1: 1,
    y0: y,
    y1: y,
    line: { color: VERMILION, width: 2, dash: 'dash' },
    label: { text, textposition: 'start', yanchor: 'bottom', font: { color: VERMILION } },
  };
}

/** Names as plotly shows them: its own little markup (`<b>`, `<a href>`) is taken literally. */
export function plotlyText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
