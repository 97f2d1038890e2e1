/** The figure's letters in the colours of JupyterLab's theme; grounds and data keep the colours of the figure. */

interface Layout {
  readonly font?: object;
  readonly hoverlabel?: object;
  readonly modebar?: object;
}

/** `layout` with the theme's colours as they are now. The layout given is left as it is. */
export function themed(layout: Layout): Layout {
  // Not those of the figure's node: before it is in the page it has none.
  const style = getComputedStyle(document.body);
  const color = (name: string, fallback: string) => style.getPropertyValue(name).trim() || fallback;
  const ink = color('--jp-ui-font-color1', '#333');
  const ground = color('--jp-layout-color1', '#fff');
  return {
    ...layout,
    font: { ...layout.font, family: color('--jp-ui-font-family', 'sans-serif'), color: ink },
    hoverlabel: {
      ...layout.hoverlabel,
      bgcolor: ground,
      bordercolor: color('--jp-border-color1', '#999'),
      font: { color: ink },
    },
    modebar: {
      bgcolor: 'rgba(0,0,0,0)',
      color: color('--jp-ui-font-color3', '#999'),
      activecolor: ink,
      ...layout.modebar,
    },
  };
}

/** Calls `changed` whenever JupyterLab changes its theme, until the observer is disconnected. */
export function onThemeChange(changed: () => void): MutationObserver {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light'] });
  return observer;
}
