/// <reference lib="dom" />
/** The colours of figures in JupyterLab. */
import { afterEach, expect, test, vi } from 'vitest';
import { themed } from '../../kernel/labextension/src/theme';

afterEach(() => vi.unstubAllGlobals());

test('a figure that is drawn before it is in the page has the letters of the theme: on a dark ground they were dark', () => {
  const body = {};
  const colors: Record<string, string> = { '--jp-ui-font-color1': 'white', '--jp-layout-color1': 'black' };
  // As browsers do: what is not in the page has no style.
  const getPropertyValue = (name: string) => colors[name] ?? '';
  vi.stubGlobal('document', { body });
  vi.stubGlobal('getComputedStyle', (node: unknown) =>
    node === body ? { getPropertyValue } : { getPropertyValue: () => '' },
  );
  const layout = { font: { size: 12 }, height: 300 };
  expect(themed(layout)).toMatchObject({
    height: 300,
    font: { size: 12, color: 'white' },
    hoverlabel: { bgcolor: 'black' },
  });
  expect(layout).toEqual({ font: { size: 12 }, height: 300 });
});
