/* The colours of the theme for what is painted on a canvas, which cannot read light-dark(): the
   browser resolves each token through a probe element. And how large type is there. */

const TOKENS = ["ink", "ink-2", "ink-3", "panel", "rule", "hairline", "edge", "accent", "pressed",
  "up", "down", "up-solid", "down-solid", "line-1", "line-3", "line-4"];

export function palette() {
  const probe = document.body.appendChild(document.createElement("i"));
  const colors = {};
  for (const name of TOKENS) {
    probe.style.color = `var(--${name})`;
    colors[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colors;
}

/** How much larger than 16 px the page is written: a canvas has no rem. */
export const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

export const faded = (color, share = 0.35) => color.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
