/** Cutting one face out of what the card shows. */

import { fitWithin } from "./geometry.js";

/** @typedef {import("./geometry.js").Rect} Rect */
/** @typedef {{x1: number, y1: number, x2: number, y2: number}} Box fractions, 0..1 */

const MARGIN = 0.4; // of the box's longer side, on each side
const LONGEST_SIDE = 320;

/**
 * Where a face and a little around it lie in a picture.
 * @param {Box} face fractions of the picture @param {import("./geometry.js").Size} picture pixels
 * @returns {{part: Rect, size: import("./geometry.js").Size, box: Box}} what to cut out, whole pixels; how large to draw it; and the
 * face's box as fractions of it
 */
export function aroundFace(face, picture) {
  const [x1, x2] = [face.x1 * picture.width, face.x2 * picture.width];
  const [y1, y2] = [face.y1 * picture.height, face.y2 * picture.height];
  const margin = Math.max(x2 - x1, y2 - y1) * MARGIN;
  const between = (value, low, high) => Math.min(Math.max(value, low), high);
  const left = Math.floor(between(x1 - margin, 0, picture.width - 1));
  const top = Math.floor(between(y1 - margin, 0, picture.height - 1));
  const width = Math.ceil(between(x2 + margin, left + 1, picture.width)) - left;
  const height = Math.ceil(between(y2 + margin, top + 1, picture.height)) - top;
  const part = { x: left, y: top, width, height };
  const share = (value, start, length) => between((value - start) / length, 0, 1);
  return {
    part,
    size: fitWithin(part, LONGEST_SIDE),
    box: {
      x1: share(x1, left, width),
      y1: share(y1, top, height),
      x2: share(x2, left, width),
      y2: share(y2, top, height),
    },
  };
}
