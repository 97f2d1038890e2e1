/** How the page of a report looks. */
import { INK } from './svg';

/** The sheet, inline in the page. Figures are drawn in ink on white; here they take the colours of the page. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #ffffff; --card: #f4f6f8; --ink: #1f2328; --soft: #59636e; --line: #d5dae0; --accent: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171a; --card: #1e2327; --ink: #e6e9ec; --soft: #9aa4ae; --line: #363d44; --accent: #56b4e9; }
}
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2.25rem 0 0.75rem; padding-bottom: 0.3rem; border-bottom: 1px solid var(--line); font-size: 1.15rem; }
h3 { margin: 0; font-size: 1rem; }
p { margin: 0.4rem 0; overflow-wrap: anywhere; }
header p, section > p, dt { color: var(--soft); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(12.5rem, 45%), 1fr)); gap: 0.6rem; margin: 0; }
dl > div { padding: 0.55rem 0.8rem; background: var(--card); border-radius: 6px; }
dt { font-size: 0.85rem; }
dd { margin: 0; font-size: 1.2rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.advice { display: grid; gap: 0.6rem; margin: 0; padding: 0; list-style: none; }
.advice li { padding: 0.7rem 1rem; background: var(--card); border-left: 4px solid var(--accent); border-radius: 0 6px 6px 0; }
.change { font-weight: 600; }
.wide { overflow-x: auto; }
table { min-width: 50%; font-size: 0.9rem; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
td { overflow-wrap: anywhere; min-width: 5.5rem; }
td[style*="right"] { white-space: nowrap; min-width: 0; }
figure { margin: 0.5rem 0 0; overflow-x: auto; }
figure svg { --plot-background: transparent !important; background: transparent !important; color: inherit !important; width: 100%; height: auto; }
figure svg text[fill="${INK}"] { fill: currentColor; }
@media print { section { break-inside: avoid; } }
`;
