/** "That's wrong": freezes a face, asks what it looks like, and sends it if, and only if, the person agrees. */

import { correctionTrouble, SAID, shownAs } from "./correction_messages.js";
import { aroundFace } from "./crop.js";
import { keepCorrection } from "./kept_corrections.js";
import { newKey } from "./request_key.js";

/** @typedef {import("./emotions.js").Face} Face */
/** @typedef {{source: ImageBitmap, mirrored: boolean, detector: string}} Scene  the picture that was looked at,
 *  whether it is shown mirrored, and which version looked */

const QUALITY = 0.92;

export class CorrectionDialog {
  /**
   * @param {HTMLDialogElement} dialog @param {HTMLButtonElement} opener @param {() => Scene} scene what is shown just now
   * @param {() => void} onSent a correction has gone out and is kept
   */
  constructor(dialog, opener, scene, onSent) {
    const part = (name) => dialog.querySelector(`#correction-${name}`);
    this.dialog = dialog;
    this.opener = opener;
    this.scene = scene;
    this.onSent = onSent;
    this.crop = part("crop");
    this.shown = part("shown");
    this.agree = part("agree");
    this.labels = part("labels");
    this.said = part("said");
    this.sendButton = part("send");
    /** @type {Face | null} the face that is seen now */
    this.face = null;
    /** @type {{face: Face, box: import("./crop.js").Box, detector: string, keys: Map<string, string>} | null} the one that the
     *  dialog is about, and for each label that was tried the key by which the server knows it again */
    this.frozen = null;
    this.label = "";
    /** @type {number | null} the id of the face whose person was asked */
    this.asked = null;
    this.forgetConsent(); // A browser may remember switches over a reload.
    opener.addEventListener("click", () => this.#open());
    this.labels.addEventListener("click", (event) => this.#choose(event.target.closest("[data-label]")));
    this.sendButton.addEventListener("click", () => {
      this.agree.checked = true;
      this.#send();
    });
  }

  /** @param {Face | null} face followed now; null: nobody is seen */
  see(face) {
    this.face = face;
    this.opener.setAttribute("aria-disabled", String(face === null));
  }

  /** The camera, the picture or the person that it was given before is gone: the next one asks again. */
  forgetConsent() {
    this.agree.checked = false;
  }

  #open() {
    if (this.face === null) return;
    if (this.face.id !== this.asked) this.forgetConsent();
    this.asked = this.face.id;
    const { source, mirrored, detector } = this.scene();
    const cut = aroundFace(this.face, source);
    Object.assign(this.crop, cut.size);
    const { x, y, width, height } = cut.part;
    const context = this.crop.getContext("2d", { alpha: false });
    context.imageSmoothingQuality = "high";
    context.drawImage(source, x, y, width, height, 0, 0, cut.size.width, cut.size.height);
    this.crop.classList.toggle("mirrored", mirrored);
    this.frozen = { face: this.face, box: cut.box, detector, keys: new Map() };
    this.shown.textContent = shownAs(this.face);
    this.#ask();
    this.dialog.showModal();
  }

  #ask() {
    this.label = "";
    this.dialog.dataset.step = "asking";
    for (const button of this.labels.querySelectorAll("[data-label]")) {
      button.disabled = button.dataset.label === this.frozen.face.label;
      button.setAttribute("aria-pressed", "false");
    }
    this.labels.disabled = this.agree.disabled = false;
    this.sendButton.hidden = true;
    this.said.textContent = this.agree.checked ? SAID.agreed : "";
  }

  #choose(button) {
    if (!button || button.disabled) return;
    this.label = button.dataset.label;
    for (const one of this.labels.querySelectorAll("[data-label]")) one.setAttribute("aria-pressed", String(one === button));
    if (this.agree.checked) {
      this.#send();
      return;
    }
    this.said.textContent = SAID.unsent;
    this.sendButton.hidden = false;
    this.sendButton.scrollIntoView({ block: "nearest" });
  }

  async #send() {
    const { frozen, label } = this;
    this.said.textContent = SAID.sending;
    this.labels.disabled = this.agree.disabled = true;
    this.sendButton.hidden = true;
    try {
      const { id, code, created_at: at } = await this.#post(frozen, label);
      this.onSent();
      const isKept = code === "" || keepCorrection({ id, code, at, shown: frozen.face.label, label });
      if (this.frozen === frozen) this.#thank(code, isKept);
    } catch (error) {
      if (!(error instanceof CorrectionError)) throw error;
      if (this.frozen !== frozen) return;
      this.said.textContent = correctionTrouble(error.code, error.message);
      this.labels.disabled = this.agree.disabled = false;
      this.sendButton.hidden = false;
    }
  }

  async #post({ face, box, detector, keys }, label) {
    const picture = await new Promise((resolve) => this.crop.toBlob(resolve, "image/jpeg", QUALITY));
    if (!picture) throw new CorrectionError("no_picture");
    const form = new FormData();
    form.append("file", picture, "face.jpg");
    for (const [side, value] of Object.entries(box)) form.append(side, value.toFixed(5));
    form.append("shown_label", face.label);
    form.append("shown_score", Math.min(1, face.score).toFixed(4));
    form.append("detector", detector);
    form.append("label", label);
    form.append("consent", this.dialog.dataset.consent);
    const token = this.dialog.querySelector("[name=csrfmiddlewaretoken]")?.value;
    // The same key when it is tried again: the answer that was lost comes once more, and with it the code.
    if (!keys.has(label)) keys.set(label, newKey());
    const headers = { "Idempotency-Key": keys.get(label), ...(token && { "X-CSRFToken": token }) };
    return ask(this.dialog.dataset.url, { method: "POST", body: form, headers });
  }

  /** @param {string} code by which a person without an account withdraws it @param {boolean} isKept by this browser */
  #thank(code, isKept) {
    this.dialog.dataset.step = "sent";
    if (code === "") {
      this.said.textContent = SAID.sent;
    } else {
      const words = document.createElement("p");
      words.textContent = isKept ? SAID.kept : SAID.notKept;
      const secret = document.createElement("code");
      secret.className = "correction-code";
      secret.textContent = code;
      this.said.replaceChildren(words, secret);
    }
    this.dialog.querySelector("#correction-done").focus();
  }
}

/** An error of the API by its code, or `no_answer`. */
export class CorrectionError extends Error {
  /** @param {string} code @param {string} [message] */
  constructor(code, message) {
    super(message);
    this.name = "CorrectionError";
    this.code = code;
  }
}

/**
 * @param {string} url @param {RequestInit} request
 * @returns {Promise<any>} what the API answers, null for nothing
 * @throws {CorrectionError}
 */
export async function ask(url, request) {
  let response;
  try {
    response = await fetch(url, request);
  } catch {
    throw new CorrectionError("no_answer");
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw new CorrectionError(answer?.error?.code ?? "no_answer", answer?.error?.message);
}
