/** Who stands where: the order of several hamsters, and their places in the card. Pure functions. */

export const MOST = 6;
/** Two faces change places once they have passed each other by this share of the picture's width. */
const PASSED = 0.04;

/** @typedef {import("./geometry.js").Size} Size */

/**
 * The faces in the order in which the picture shows them, from left to right. Who stood beside another stays there until
 * they clearly changed places.
 * @param {{id: number, x1: number, x2: number}[]} faces @param {boolean} mirrored
 * @param {number[]} [before] the ids of the order until now
 * @returns {number[]} ids
 */
export function orderOf(faces, mirrored, before = []) {
  const middle = new Map(faces.map(({ id, x1, x2 }) => [id, mirrored ? 1 - (x1 + x2) / 2 : (x1 + x2) / 2]));
  const known = before.filter((id) => middle.has(id));
  const order = [...known, ...[...middle.keys()].filter((id) => !known.includes(id))];
  const passed = (left, right) => {
    const margin = known.includes(left) && known.includes(right) ? PASSED : 0;
    return middle.get(left) - middle.get(right) > margin;
  };
  for (let end = order.length - 1; end > 0; end -= 1) {
    for (let i = 0; i < end; i += 1) {
      if (passed(order[i], order[i + 1])) [order[i], order[i + 1]] = [order[i + 1], order[i]];
    }
  }
  return order;
}

/**
 * Squares as large as they can be: one fills the card, two stand side by side, more form rows, the last row in the middle.
 * @param {number} count 1 or more @param {Size} card @param {number} [top] pixels to leave free above rows
 * @returns {{x: number, y: number, size: number}[]} pixels, row by row
 */
export function placesFor(count, card, top = 0) {
  let best = { size: -1 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const free = rows > 1 ? top : 0;
    const size = Math.min(card.width / columns, (card.height - free) / rows);
    if (size > best.size) best = { size, columns, rows, free };
  }
  const { size, columns, rows, free } = best;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    return {
      x: (card.width - inRow * size) / 2 + (index % columns) * size,
      y: free + (card.height - free - rows * size) / 2 + row * size,
      size,
    };
  });
}
