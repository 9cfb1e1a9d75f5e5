/** The card after a live session: what it showed, what became of the frames, and what to do with it. */

import { fileName, save } from "../files.js";
import { sentences } from "../i18n.js";
import { Ribbon } from "../timeline/ribbon.js";
import { shares, unpacked } from "../timeline/samples.js";
import { KeepError, keep, rename } from "./api.js";
import { toCsv, toJson } from "./exports.js";
import { showMoments } from "./moments.js";
import { drawCard } from "./picture.js";
import { KEEP, NO_PICTURE, sayKept, sayLength, sayProcessed } from "./words.js";

export class SessionCard {
  /** @param {HTMLDialogElement} dialog see webui/live/_session_card.html */
  constructor(dialog) {
    this.dialog = dialog;
    this.part = (name) => dialog.querySelector(`[data-card="${name}"]`);
    this.ribbon = new Ribbon(this.part("ribbon"));
    /** @type {import("./recorder.js").SessionRecord | null} */
    this.session = null;
    /** @type {number | null} its id when it is kept */
    this.id = null;
    this.corrections = 0;
    const does = (name, act) => this.part(name).addEventListener("click", act);
    does("keep", () => this.#keep());
    does("csv", () => this.#save("csv", new Blob([toCsv(this.session)], { type: "text/csv" })));
    does("json", () => this.#save("json", new Blob([toJson(this.session)], { type: "application/json" })));
    does("png", () => this.#picture());
    does("close", () => dialog.close());
    this.part("name").addEventListener("change", () => this.#rename());
    this.part("name").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      if (this.id === null) this.#keep();
      else this.#rename();
    });
    dialog.addEventListener("close", () => {
      this.session = null; // Not kept: gone.
    });
  }

  /** @param {import("./recorder.js").SessionRecord} session @param {number} corrections sent in it */
  show(session, corrections) {
    this.session = session;
    this.id = null;
    this.correct(corrections);
    const rows = unpacked(session.samples.rows);
    this.part("length").textContent = sayLength(session.duration_ms, shares(rows));
    this.part("processed").textContent = sayProcessed(session.frames);
    this.part("name").value = "";
    this.part("keep").hidden = false;
    this.part("open").hidden = this.part("ways").hidden = true;
    this.#say("");
    showMoments(this.part("moments"), session.moments);
    this.ribbon.show(rows, session.samples.step_ms, 0, session.duration_ms);
    this.dialog.showModal();
  }

  /** @param {number} corrections that were sent in the session by now */
  correct(corrections) {
    this.corrections = corrections;
    this.#receipt();
  }

  #receipt() {
    this.part("kept").textContent = sayKept(this.id !== null, this.corrections);
    this.part("corrections").hidden = this.corrections === 0;
  }

  #say(words) {
    this.part("says").textContent = words;
  }

  #save(ending, blob) {
    save(blob, fileName(ending, new Date(this.session.started_at)));
  }

  async #picture() {
    try {
      const session = { ...this.session, name: this.part("name").value.trim() };
      this.#save("png", await drawCard(session));
    } catch (error) {
      console.warn("The card could not be drawn.", error);
      this.#say(NO_PICTURE);
    }
  }

  async #keep() {
    const { session } = this;
    const button = this.part("keep");
    if (button.disabled) return; // It is being kept.
    button.disabled = true;
    this.#say(KEEP.keeping);
    try {
      const name = this.part("name").value.trim();
      const { id } = await keep(this.dialog.dataset.api, { ...session, name });
      if (session !== this.session) return;
      this.id = id;
      this.#say(KEEP.done);
      this.#receipt();
      this.part("ways").hidden = true;
      this.part("open").href = `${this.dialog.dataset.pages}${id}/`;
      this.part("open").hidden = false;
      button.hidden = true;
      this.part("open").focus();
      if (this.part("name").value.trim() !== name) await this.#rename();
    } catch (error) {
      if (!(error instanceof KeepError)) throw error;
      if (session !== this.session) return;
      this.#say(error.message);
      this.part("ways").hidden = !error.isStranger;
    } finally {
      button.disabled = false;
    }
  }

  async #rename() {
    const { session, id } = this;
    if (session === null) return; // The card was closed from within the field.
    session.name = this.part("name").value.trim();
    if (id === null) return;
    try {
      await rename(this.dialog.dataset.api, id, session.name);
      if (session === this.session) this.#say(KEEP.renamed);
    } catch (error) {
      if (!(error instanceof KeepError)) throw error;
      if (session === this.session) this.#say(sentences(KEEP.unnamed, error.message));
    }
  }
}
