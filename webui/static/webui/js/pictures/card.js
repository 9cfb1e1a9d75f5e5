/** One picture of the list: what is shown of it from its waiting to its result. */

import { Bars } from "../bars.js";
import { UNKNOWN, looksLike } from "../emotions.js";
import { sentences, titled } from "../i18n.js";
import { Overlay } from "../overlay.js";
import { PictureView } from "../picture.js";
import { STATES, WORDS, faceTitle, pictureOf, removeOf, retryOf, sayFaces, saySending } from "./words.js";

const PREVIEW_SIDE = 720; // pixels: a hundred full photographs would take gigabytes
const STILLS = new URL("../../hamster/stills/", import.meta.url);

/** Fires `retry` and `remove`. */
export class Card extends EventTarget {
  /** @param {HTMLTemplateElement} template @param {File} file */
  constructor(template, file) {
    super();
    this.file = file;
    this.root = template.content.firstElementChild.cloneNode(true);
    const part = (name) => this.root.querySelector(`.look-${name}`);
    this.part = Object.fromEntries(
      ["picture", "canvas", "overlay", "blank", "hamster", "line", "hint", "name", "progress", "scores", "bars", "retry", "remove"].map(
        (name) => [name, part(name)],
      ),
    );
    this.dot = this.root.querySelector(".dot");
    this.view = new PictureView(this.part.canvas, PREVIEW_SIDE);
    this.overlay = new Overlay(this.part.overlay);
    this.overlay.area = () => this.view.area;
    this.part.name.textContent = this.part.name.title = file.name;
    this.part.canvas.setAttribute("aria-label", pictureOf(file.name));
    this.part.progress.setAttribute("aria-label", STATES.sending);
    this.part.remove.setAttribute("aria-label", removeOf(file.name));
    this.part.retry.setAttribute("aria-label", retryOf(file.name));
    this.part.retry.addEventListener("click", () => this.dispatchEvent(new Event("retry")));
    this.part.remove.addEventListener("click", () => this.dispatchEvent(new Event("remove")));
    this.part.scores.addEventListener("toggle", () => this.#fillBars(), { once: true });
    this.wait();
  }

  get state() {
    return this.root.dataset.state;
  }

  wait() {
    this.#enter("waiting", STATES.waiting);
  }

  /** Show the picture. Once: it stays. */
  async preview() {
    if (this.view.bitmap) return;
    try {
      await this.view.load(this.file);
      this.part.blank.textContent = "";
      this.overlay.readStyle(); // It was not in the page before.
      this.overlay.draw();
    } catch {
      this.part.blank.textContent = WORDS.blank; // The server may know its kind all the same.
    }
  }

  /** @param {number} share of it that has been sent, 0..1 */
  sent(share) {
    this.#enter(share < 1 ? "sending" : "looking", share < 1 ? saySending(share) : STATES.looking);
    this.part.progress.value = share;
  }

  /** @param {{emotion: string, boxes: import("../emotions.js").Face[], id?: number}} result */
  succeed({ emotion, boxes, id }) {
    const [first] = boxes;
    this.boxes = boxes;
    this.#enter("done", first ? looksLike(first) : WORDS.noFace.line);
    const hints = [first ? "" : WORDS.noFace.hint, boxes.length > 1 ? sayFaces(boxes.length) : "", id === undefined ? "" : WORDS.kept];
    this.part.hint.textContent = sentences(...hints);
    this.root.dataset.faces = String(boxes.length);
    this.dot.hidden = false;
    this.dot.dataset.emotion = emotion;
    this.part.hamster.src = new URL(`${first ? emotion : UNKNOWN}.svg`, STILLS).href;
    this.part.hamster.hidden = false;
    this.part.scores.hidden = boxes.length === 0;
    if (this.view.bitmap) this.overlay.show(boxes);
  }

  /** @param {{title: string, text: string}} trouble */
  fail({ title, text }) {
    this.#enter("failed", title);
    this.part.hint.textContent = text;
    this.part.retry.hidden = false;
  }

  #enter(state, line) {
    this.root.dataset.state = state;
    this.part.line.textContent = line;
    this.part.hint.textContent = "";
    this.part.progress.hidden = state !== "sending" && state !== "looking";
    this.part.retry.hidden = true;
    this.dot.hidden = true;
  }

  #fillBars() {
    this.boxes.forEach((face, index) => {
      const section = document.createElement("section");
      if (this.boxes.length > 1) {
        const title = document.createElement("h3");
        title.textContent = titled(faceTitle(index + 1), looksLike(face));
        section.append(title);
      }
      const list = document.createElement("ul");
      list.className = "bars";
      section.append(list);
      new Bars(list).show(face.scores, face.label);
      this.part.bars.append(section);
    });
  }
}
