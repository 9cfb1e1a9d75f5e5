/** The hamsters of the card: one for each face, by the face's id, in the order of the faces in the picture. */

import { Hamster } from "../hamster/hamster.js";
import { EMOTIONS, UNKNOWN } from "./emotions.js";
import { MOST, orderOf, placesFor } from "./lineup.js";
import { watchSize } from "./size.js";

/** @typedef {import("./emotions.js").Face} Face */
/** @typedef {{id: number | null, cell: HTMLElement, hamster: Hamster, leaving: number}} Member
 *  id null: it waits for a face; leaving: a timer, since its face is not seen */

/** A face that is not seen for less than this, in ms, keeps its hamster where it is. */
const PATIENCE = 700;
const MOVE = { duration: 240, easing: "ease-out" };
/** Left free above rows of hamsters: the buttons in the card's corners lie there. */
const TOP = 52;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
/** @type {WeakMap<Element, Hamster>} by their places, also of those that are leaving */
const hamsters = new WeakMap();

export class Troupe {
  /** @param {HTMLElement} card filled with the hamsters; gets `data-emotion` of the face followed and `data-count` */
  constructor(card) {
    this.card = card;
    /** @type {Member[]} from left to right */
    this.members = [];
    this.size = watchSize(card, () => this.#arrange());
    this.#arrive(null);
    this.clear();
  }

  /**
   * @param {Face[]} faces the face followed first; each with an id
   * @param {boolean} mirrored whether the picture is shown mirrored
   */
  show(faces, mirrored) {
    const seen = faces.slice(0, MOST);
    for (const member of this.members) {
      if (seen.some(({ id }) => id === member.id)) stay(member);
      else this.#miss(member, seen.length > 0);
    }
    for (const face of seen) this.#memberFor(face).hamster.setScores(scoresOf(face));
    const order = orderOf(seen, mirrored, this.members.map(({ id }) => id));
    // Who is missed keeps the place; the others stand around it in their order.
    const present = order.map((id) => this.#member(id));
    this.members = this.members.map((member) => (order.includes(member.id) ? present.shift() : member));
    this.#arrange();
    this.card.dataset.emotion = seen[0]?.label ?? UNKNOWN;
  }

  /** Nobody is seen: one hamster waits. */
  clear() {
    for (const member of this.members.slice(1)) this.#leave(member);
    const [first] = this.members;
    stay(first);
    first.id = null;
    first.hamster.setScores(null);
    this.#arrange();
    this.card.dataset.emotion = UNKNOWN;
  }

  wave() {
    this.members[0].hamster.wave();
  }

  /** @param {number} id of a face @returns {Hamster | undefined} its hamster */
  hamsterOf(id) {
    return this.#member(id)?.hamster;
  }

  /**
   * Paint the card as it is now, also while hamsters come and go.
   * @param {CanvasRenderingContext2D} context with the card's CSS pixels as its units
   */
  paint(context) {
    const card = this.card.getBoundingClientRect();
    for (const cell of this.card.children) {
      const box = cell.getBoundingClientRect();
      context.save();
      context.globalAlpha = Number(getComputedStyle(cell).opacity);
      context.translate(box.x - card.x, box.y - card.y);
      context.scale(box.width / 400, box.height / 400);
      hamsters.get(cell).paint(context);
      context.restore();
    }
  }

  #member(id) {
    return this.members.find((member) => member.id === id);
  }

  /** The face's own hamster, or one whose face has gone, or a new one. */
  #memberFor({ id }) {
    const member = this.#member(id) ?? this.members.find(({ id: other, leaving }) => other === null || leaving > 0);
    if (!member) return this.#arrive(id);
    stay(member);
    member.id = id;
    return member;
  }

  #miss(member, othersAreSeen) {
    if (!othersAreSeen) member.hamster.setScores(null);
    if (member.id === null) return;
    member.leaving ||= setTimeout(() => {
      member.leaving = 0;
      if (this.members.length === 1) member.id = null;
      else this.#leave(member);
      this.#arrange();
    }, PATIENCE);
  }

  #arrive(id) {
    const cell = document.createElement("div");
    cell.className = "hamster-place";
    this.card.append(cell);
    const member = { id, cell, hamster: new Hamster(cell), leaving: 0 };
    hamsters.set(cell, member.hamster);
    this.members.push(member);
    if (this.members.length > 1) cell.animate(between(0, 1), MOVE);
    return member;
  }

  async #leave(member) {
    stay(member);
    this.members = this.members.filter((other) => other !== member);
    member.id = null;
    const { cell, hamster } = member;
    cell.ariaHidden = "true";
    await cell.animate(between(1, 0), { ...MOVE, fill: "forwards" }).finished;
    hamster.destroy();
    cell.remove();
  }

  #arrange() {
    const cells = this.members.map(({ cell }) => cell);
    const { width, height } = this.size;
    const { arranged } = this;
    if (arranged?.width === width && arranged.height === height && sameItems(arranged.cells, cells)) return;
    this.card.dataset.count = String(cells.length);
    if (!width || !height) return; // not laid out: they would shrink to nothing, and grow again when it is
    this.arranged = { cells, width, height };
    const places = placesFor(cells.length, this.size, TOP);
    cells.forEach((cell, index) => {
      const { x, y, size } = places[index];
      Object.assign(cell.style, { width: `${size}px`, height: `${size}px`, transform: `translate(${x}px, ${y}px)` });
    });
    if (!arranged) for (const cell of cells) for (const move of cell.getAnimations()) move.finish(); // they were nowhere before
  }
}

function sameItems(one, other) {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

function stay(member) {
  clearTimeout(member.leaving);
  member.leaving = 0;
}

/** Coming or leaving: opacity alone where motion is unwanted. @param {number} from 0 or 1 @param {number} to 1 or 0 */
function between(from, to) {
  const size = (share) => 0.6 + 0.4 * share;
  return { opacity: [from, to], scale: calm.matches ? [1, 1] : [size(from), size(to)] };
}

/** @param {Face} face @returns {number[]} nine, in the hamster's order */
export function scoresOf(face) {
  return EMOTIONS.map((emotion) => face.scores[emotion]);
}
