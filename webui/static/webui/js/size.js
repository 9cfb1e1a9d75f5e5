/** The size of an element without asking for it: reading clientWidth in mid-frame makes the browser lay out the page. */

/**
 * @param {Element} element without padding @param {() => void} [changed]
 * @returns {import("./geometry.js").Size} CSS pixels, kept up to date; 0 x 0 until it is laid out and while it is hidden
 */
export function watchSize(element, changed = () => {}) {
  const size = { width: 0, height: 0 };
  new ResizeObserver((entries) => {
    const { width, height } = entries[entries.length - 1].contentRect;
    Object.assign(size, { width, height });
    changed();
  }).observe(element);
  return size;
}
