/** "Why this hamster?": what the detector saw and said, frozen when the panel is opened. */

import { EMOTIONS, named } from "./emotions.js";
import { decimal } from "./i18n.js";
import { WHY } from "./messages.js";

/** @typedef {import("./emotions.js").Face} Face */
/**
 * @typedef {Object} Evidence
 * @property {Blob} picture the frame or picture as it was sent
 * @property {Face[]} faces found in it, with their `raw_scores` when they are smoothed
 * @property {number | null} frame its number, null for a still picture
 * @property {string | null} detector
 * @property {boolean} mirrored whether the page shows it mirrored
 */

/** The close-up's side as a multiple of the longer side of the face's box, as the detector cuts it (ml/crops.py). */
const MARGIN = 1.15;
const FRAME_WIDTH = 320;

export class Why {
  /** @param {HTMLDialogElement} dialog @param {HTMLButtonElement} opener @param {() => Evidence | null} evidence the newest */
  constructor(dialog, opener, evidence) {
    this.dialog = dialog;
    this.part = (name) => dialog.querySelector(`#why-${name}`);
    opener.addEventListener("click", () => this.#open(evidence()));
    dialog.addEventListener("close", () => this.#forget());
  }

  /** @param {Evidence | null} evidence */
  async #open(evidence) {
    if (!evidence) return;
    const bitmap = await createImageBitmap(evidence.picture);
    this.#forget();
    this.bitmap = bitmap;
    this.evidence = evidence;
    const { faces, frame, detector, mirrored } = evidence;
    this.part("nobody").hidden = faces.length > 0;
    this.part("nobody").textContent = WHY.nobody;
    this.part("says").hidden = this.part("closeup-figure").hidden = this.part("scores").hidden = faces.length === 0;
    this.part("says").textContent = frame === null ? WHY.blendsStill : WHY.blends;
    this.part("number").textContent = frame === null ? WHY.still : String(frame);
    this.part("detector").textContent = detector ?? "–";
    this.part("frame-says").textContent = mirrored ? WHY.mirrored : WHY.sent;
    this.#offer(faces);
    this.#show(faces[0]);
    if (!this.dialog.open) this.dialog.showModal();
  }

  #forget() {
    this.bitmap?.close();
    this.bitmap = this.evidence = null;
    for (const name of ["closeup", "frame"]) this.part(name).width = 0; // Empties it.
  }

  /** Buttons with the faces from left to right, where there are several. @param {Face[]} faces */
  #offer(faces) {
    const inOrder = [...faces].sort((one, other) => one.x1 + one.x2 - other.x1 - other.x2);
    if (this.evidence.mirrored) inOrder.reverse();
    const buttons = inOrder.map((face, index) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "why-face" });
      const canvas = Object.assign(document.createElement("canvas"), { width: 96, height: 96 });
      button.setAttribute("aria-label", WHY.face(index + 1, faces.length));
      button.append(canvas);
      this.#drawCloseup(canvas, face);
      button.addEventListener("click", () => this.#show(face));
      return { face, button };
    });
    this.buttons = buttons;
    this.part("faces").replaceChildren(...buttons.map(({ button }) => button));
    this.part("faces").hidden = faces.length < 2;
  }

  /** @param {Face} [face] undefined: nobody was found */
  #show(face) {
    for (const { face: other, button } of this.buttons) button.setAttribute("aria-pressed", String(other === face));
    this.#drawFrame(face);
    this.part("box").textContent = face ? WHY.box(inPerCent(face)) : "–";
    if (!face) return;
    Object.assign(this.part("closeup"), { width: 320, height: 320 });
    this.#drawCloseup(this.part("closeup"), face);
    this.#list(face);
  }

  /** The square that the detector looks at a second time. */
  #drawCloseup(canvas, face) {
    const box = inPixels(face, this.bitmap);
    const side = Math.max(box.width, box.height, 1) * MARGIN;
    const [left, top] = [box.x + (box.width - side) / 2, box.y + (box.height - side) / 2];
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.bitmap, left, top, side, side, 0, 0, canvas.width, canvas.height);
  }

  #drawFrame(face) {
    const { bitmap } = this;
    const canvas = this.part("frame");
    const scale = FRAME_WIDTH / bitmap.width;
    Object.assign(canvas, { width: FRAME_WIDTH, height: Math.round(bitmap.height * scale) });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    if (!face) return;
    const { x, y, width, height } = inPixels(face, canvas);
    for (const [lineWidth, strokeStyle] of [[5, "white"], [2.5, getComputedStyle(canvas).getPropertyValue(`--${face.label}`)]]) {
      Object.assign(context, { lineWidth, strokeStyle });
      context.strokeRect(x, y, width, height);
    }
  }

  #list(face) {
    const raw = face.raw_scores ?? face.scores;
    const smoothed = face.raw_scores ? face.scores : null;
    this.part("smoothed").hidden = smoothed === null;
    this.part("scores").tBodies[0].replaceChildren(
      ...EMOTIONS.map((emotion) => {
        const row = document.createElement("tr");
        row.dataset.emotion = emotion;
        row.classList.toggle("leading", emotion === face.label);
        const name = Object.assign(document.createElement("th"), { scope: "row", textContent: named(emotion) });
        row.append(name, ...[raw, smoothed].filter(Boolean).map((scores) => scoreCell(scores[emotion])));
        return row;
      }),
    );
  }
}

function scoreCell(score) {
  const cell = document.createElement("td");
  const value = Object.assign(document.createElement("span"), { textContent: decimal(score * 100, 1) });
  const track = Object.assign(document.createElement("span"), { className: "bar-track" });
  const fill = Object.assign(document.createElement("span"), { className: "bar-fill" });
  fill.style.transform = `translateX(${(score - 1) * 100}%)`;
  track.ariaHidden = "true";
  track.append(fill);
  cell.append(track, value);
  return cell;
}

/** @param {Face} face @param {{width: number, height: number}} picture @returns {import("./geometry.js").Rect} */
function inPixels({ x1, y1, x2, y2 }, { width, height }) {
  return { x: x1 * width, y: y1 * height, width: (x2 - x1) * width, height: (y2 - y1) * height };
}

function inPerCent(face) {
  const { x, y, width, height } = inPixels(face, { width: 100, height: 100 });
  const [left, top, wide, high] = [x, y, width, height].map(Math.round);
  return { left, top, width: wide, height: high };
}
