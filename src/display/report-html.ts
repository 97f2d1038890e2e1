/** A report as one page that needs nothing else: no scripts, no network; light or dark as its reader prefers. */
import { escapeHtml, printable } from './mime';
import type { Advice, MemoryReport } from './report';
import { boundReport } from './report-bound';
import { type ReportSection, sectionsOf } from './report-sections';
import { STYLE } from './report-style';
import type { Detail } from './wording';

/** Not even a name that slipped through could load or run anything. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/**
 * The report as a self-contained HTML document.
 *
 * @example
 * ```ts
 * const page = await reportHtml(emptyReport('Memory'));
 * page.startsWith('<!doctype html>'); // true
 * ```
 */
export async function reportHtml(report: MemoryReport): Promise<string> {
  const bound = boundReport(report);
  const title = escapeHtml(bound.title);
  const created = escapeHtml(bound.createdAt);
  const sections = await Promise.all(sectionsOf(bound).map(sectionHtml));
  return printable(
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header><h1>${title}</h1><p><time datetime="${created}">${created}</time></p></header>
${sections.join('\n')}
</main>
</body>
</html>
`,
  );
}

async function sectionHtml(section: ReportSection, index: number): Promise<string> {
  const { advice, facts, figures, note, table, title } = section;
  const id = `section-${index + 1}`;
  const pictures = await Promise.all((figures ?? []).map((figure) => figure.toSVG()));
  const parts = [
    `<h2 id="${id}">${escapeHtml(title)}</h2>`,
    facts ? factsHtml(facts) : '',
    advice ? `<ol class="advice">${advice.map(adviceHtml).join('')}</ol>` : '',
    // What is wider than the page scrolls by itself, with keys too.
    table
      ? `<div class="wide" role="group" tabindex="0" aria-labelledby="${id}">${table.toHTML()}</div>`
      : '',
    ...pictures.map((picture) => `<figure>${picture}</figure>`),
    note ? `<p>${escapeHtml(note)}</p>` : '',
  ];
  return `<section aria-labelledby="${id}">\n${parts.filter(Boolean).join('\n')}\n</section>`;
}

function factsHtml(facts: readonly Detail[]): string {
  const pairs = facts.map(
    ({ label, text }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(text)}</dd></div>`,
  );
  return `<dl>${pairs.join('')}</dl>`;
}

function adviceHtml({ title, because, change }: Advice): string {
  return `<li><h3>${escapeHtml(title)}</h3><p>${escapeHtml(because)}</p><p class="change">${escapeHtml(change)}</p></li>`;
}
