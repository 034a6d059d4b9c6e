/* The sizes of the workbench that somebody has chosen, before the first paint: a plain script in the
   head, so that nothing jumps. layout.js changes them. */

(() => {
  try {
    const sizes = JSON.parse(localStorage.getItem("bengi-layout") ?? "{}");
    for (const [name, px] of Object.entries(sizes)) {
      if (/^[a-z]+$/.test(name) && Number.isFinite(px)) document.documentElement.style.setProperty(`--size-${name}`, `${px}px`);
    }
  } catch {
    localStorage.removeItem("bengi-layout");
  }
})();
