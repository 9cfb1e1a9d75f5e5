/** Draws the faces' boxes and labels over the video or the picture. Boxes mirror with the video, text does not. */

import { EMOTIONS, named, scored } from "./emotions.js";
import { placeBox, placeLabel } from "./geometry.js";
import { watchSize } from "./size.js";

/** @typedef {import("./emotions.js").Face} Face */
/** @typedef {import("./geometry.js").Rect} Rect */

const FONT = "600 14px";

export class Overlay {
  /** @param {HTMLCanvasElement} canvas lies over the whole card */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    /** @type {Face[]} */
    this.faces = [];
    /** @type {() => Rect | null} where the picture lies in the card; null: all of it */
    this.area = () => null;
    this.mirrored = false;
    this.visible = true;
    this.readStyle();
    this.card = watchSize(canvas, () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.readStyle();
      this.draw();
    });
  }

  /** Take the colours of the sheet, once: canvas cannot use custom properties, and asking in mid-frame costs a style of its own. */
  readStyle() {
    const style = getComputedStyle(this.canvas);
    this.paint = Object.fromEntries(["card", "ink", "sans", ...EMOTIONS].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }

  /** @param {Face[]} faces */
  show(faces) {
    this.faces = faces;
    this.canvas.dataset.boxes = JSON.stringify(faces.map(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2]));
    this.draw();
  }

  clear() {
    this.show([]);
  }

  draw() {
    const { canvas, context, card } = this;
    const sharp = devicePixelRatio || 1;
    const [width, height] = [Math.round(card.width * sharp), Math.round(card.height * sharp)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.clearRect(0, 0, card.width, card.height);
    if (!this.visible || this.faces.length === 0) return;
    const area = this.area() ?? { x: 0, y: 0, ...card };
    const boxes = this.faces.map((face) => placeBox(face, area, this.mirrored));
    boxes.forEach((box, index) => this.#box(box, this.faces[index]));
    boxes.forEach((box, index) => this.#label(box, this.faces[index], card, boxes));
  }

  #box(box, face) {
    const { context } = this;
    const round = Math.min(14, box.width / 4, box.height / 4);
    context.beginPath();
    context.roundRect(box.x, box.y, box.width, box.height, round);
    context.lineWidth = 4.5;
    context.strokeStyle = "rgb(255 255 255 / 55%)";
    context.stroke();
    context.lineWidth = 2.5;
    context.strokeStyle = this.paint[face.label];
    context.stroke();
  }

  #label(box, face, card, boxes) {
    const { context } = this;
    const text = scored(named(face.label), face.score);
    context.font = `${FONT} ${this.paint.sans}`;
    const label = { width: Math.ceil(context.measureText(text).width) + 34, height: 26 };
    const place = placeLabel(box, label, card, boxes);
    context.beginPath();
    context.roundRect(place.x, place.y, place.width, place.height, 8);
    context.fillStyle = this.paint.card;
    context.fill();
    context.beginPath();
    context.arc(place.x + 14, place.y + 13, 5, 0, Math.PI * 2);
    context.fillStyle = this.paint[face.label];
    context.fill();
    context.fillStyle = this.paint.ink;
    context.textBaseline = "middle";
    context.fillText(text, place.x + 24, place.y + 13.5);
  }
}
