/** The hamster over each face of the video or the picture: the head of the very hamster that stands in the card. */

import { Hamster } from "../hamster/hamster.js";
import { Springs } from "../hamster/spring.js";
import { placeBox } from "./geometry.js";
import { watchSize } from "./size.js";
import { scoresOf } from "./troupe.js";

/** @typedef {import("./emotions.js").Face} Face */
/** @typedef {import("./geometry.js").Rect} Rect */
/** @typedef {{hamster: Hamster, box: Springs, missedSince: number | null}} Worn */

const FOLLOW = 0.06; // seconds
/** A face that is missed keeps its mask for so long, in ms, and then loses it over so long. */
const HOLD = 500;
const FADE = 200;
/** Drawn no more often than this, in ms: the video is no faster. */
const INTERVAL = 24;
/** The hamster's head between its cheeks and from crown to chin, in its own units, and by how much it covers a face's box. */
const HEAD = { width: 282, height: 206 };
const COVERS = { width: 1.5, height: 1.5 };
/** The box ends at the hairline: the mask reaches above it, by this share of its height. */
const RAISED = 0.1;

export class Mask {
  /** @param {HTMLCanvasElement} canvas lies over the whole card @param {import("./troupe.js").Troupe} troupe */
  constructor(canvas, troupe) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.troupe = troupe;
    this.on = false;
    /** @type {() => Rect | null} where the picture lies in the card; null: all of it */
    this.area = () => null;
    this.mirrored = false;
    /** @type {Map<number, Worn>} by the face's id */
    this.worn = new Map();
    /** @type {Map<number, Hamster>} for faces that have none in the card */
    this.spare = new Map();
    this.frame = 0;
    this.drawnAt = 0;
    this.card = watchSize(canvas, () => this.#run());
  }

  /** @param {boolean} on */
  switch(on) {
    this.on = on;
    this.#draw();
    this.#run();
  }

  /** @param {Face[]} faces that are seen now, each with an id; the troupe shows them already */
  show(faces) {
    const now = performance.now();
    for (const [id, worn] of this.worn) {
      if (!faces.some((face) => face.id === id)) worn.missedSince ??= now;
    }
    for (const face of faces) {
      const { id, x1, y1, x2, y2 } = face;
      const hamster = this.troupe.hamsterOf(id) ?? this.#spareFor(face);
      const worn = this.worn.get(id) ?? { box: new Springs({ x1, y1, x2, y2 }, FOLLOW) };
      worn.box.target = { x1, y1, x2, y2 };
      this.worn.set(id, Object.assign(worn, { hamster, missedSince: null }));
    }
    this.#run();
  }

  clear() {
    this.worn.clear();
    this.spare.clear();
    this.show([]);
  }

  /**
   * Paint the masks as they are now.
   * @param {CanvasRenderingContext2D} context @param {Rect} area where the whole picture lies on it @param {boolean} mirrored
   */
  paint(context, area, mirrored) {
    const now = performance.now();
    for (const { hamster, box, missedSince } of this.worn.values()) {
      const { x, y, width, height } = placeBox(box.value, area, mirrored);
      const scale = Math.max((width * COVERS.width) / HEAD.width, (height * COVERS.height) / HEAD.height);
      context.save();
      context.globalAlpha = missedSince === null ? 1 : 1 - Math.min(1, Math.max(0, (now - missedSince - HOLD) / FADE));
      context.translate(x + width / 2, y + height * (0.5 - RAISED));
      context.scale(mirrored ? -scale : scale, scale);
      hamster.paintHead(context);
      context.restore();
    }
  }

  #spareFor(face) {
    const hamster = this.spare.get(face.id) ?? new Hamster(document.createElement("div"), { animate: false });
    this.spare.set(face.id, hamster);
    hamster.setScores(scoresOf(face));
    return hamster;
  }

  #run() {
    if (this.on) this.frame ||= requestAnimationFrame((time) => this.#tick(time));
  }

  #tick(time) {
    this.frame = 0;
    const passed = time - this.drawnAt;
    if (passed < INTERVAL) return this.#run();
    this.drawnAt = time;
    for (const [id, { box, missedSince }] of this.worn) {
      box.step(Math.min(0.1, passed / 1000));
      if (missedSince !== null && performance.now() - missedSince > HOLD + FADE) this.worn.delete(id);
    }
    this.#draw();
    if (this.on && this.worn.size > 0) this.#run();
  }

  #draw() {
    const { canvas, context, card } = this;
    const sharp = devicePixelRatio || 1;
    const [width, height] = [Math.round(card.width * sharp), Math.round(card.height * sharp)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.clearRect(0, 0, card.width, card.height);
    if (this.on) this.paint(context, this.area() ?? { x: 0, y: 0, ...card }, this.mirrored);
  }
}
