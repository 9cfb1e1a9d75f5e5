/** Where a picture lies in a card and where a face's box and label go. Pure functions, CSS pixels. */

/** @typedef {{width: number, height: number}} Size */
/** @typedef {{x: number, y: number, width: number, height: number}} Rect */

/**
 * The part of a source that a box shows with `object-fit: cover`, in source pixels.
 * @param {Size} source @param {Size} box @returns {Rect}
 */
export function coverCrop(source, box) {
  const scale = Math.max(box.width / source.width, box.height / source.height);
  const width = box.width / scale;
  const height = box.height / scale;
  return { x: (source.width - width) / 2, y: (source.height - height) / 2, width, height };
}

/**
 * Where a whole source lies in a box with `object-fit: contain`, in box pixels.
 * @param {Size} source @param {Size} box @returns {Rect}
 */
export function containRect(source, box) {
  const scale = Math.min(box.width / source.width, box.height / source.height);
  const width = source.width * scale;
  const height = source.height * scale;
  return { x: (box.width - width) / 2, y: (box.height - height) / 2, width, height };
}

/**
 * A source's size scaled down so that its longer side is at most `longest` (never up), in whole pixels.
 * @param {Size} source @param {number} longest @returns {Size}
 */
export function fitWithin(source, longest) {
  const scale = Math.min(1, longest / Math.max(source.width, source.height));
  return {
    width: Math.max(1, Math.round(source.width * scale)),
    height: Math.max(1, Math.round(source.height * scale)),
  };
}

/**
 * A face's box in pixels of the card.
 * @param {{x1: number, y1: number, x2: number, y2: number}} face fractions of the picture
 * @param {Rect} area where the picture lies @param {boolean} mirrored @returns {Rect}
 */
export function placeBox(face, area, mirrored) {
  const left = mirrored ? 1 - face.x2 : face.x1;
  return {
    x: area.x + left * area.width,
    y: area.y + face.y1 * area.height,
    width: (face.x2 - face.x1) * area.width,
    height: (face.y2 - face.y1) * area.height,
  };
}

/** @param {Rect} a @param {Rect} b @returns {number} pixels that both cover */
export function overlap(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/**
 * A place for a label: above its box, else below, else at a side; the one that hides least of any face.
 * @param {Rect} box @param {Size} label @param {Size} card @param {Rect[]} faces all boxes to stay off
 * @returns {Rect}
 */
export function placeLabel(box, label, card, faces) {
  const gap = 6;
  const inside = (x, y) => ({
    x: Math.min(Math.max(x, gap), card.width - label.width - gap),
    y: Math.min(Math.max(y, gap), card.height - label.height - gap),
    ...label,
  });
  const places = [
    inside(box.x, box.y - label.height - gap),
    inside(box.x, box.y + box.height + gap),
    inside(box.x + box.width + gap, box.y),
    inside(box.x - label.width - gap, box.y),
  ];
  const hidden = (place) => faces.reduce((sum, face) => sum + overlap(place, face), 0);
  return places.reduce((best, place) => (hidden(place) < hidden(best) - 0.5 ? place : best));
}
