/** The hamsters of the stage and what can be done with them: the mask, saving, and the question why. */

import { Keepsakes } from "./keepsakes.js";
import { Mask } from "./mask.js";
import { Scene } from "./scene.js";
import { Troupe } from "./troupe.js";
import { Why } from "./why.js";

/** @typedef {import("./emotions.js").Face} Face */

/** Fires `mask` when the mask is switched on or off. */
export class Puppets extends EventTarget {
  /**
   * @param {HTMLElement} stage @param {HTMLVideoElement} video @param {import("./picture.js").PictureView} picture
   * @param {(text: string) => void} announce
   */
  constructor(stage, video, picture, announce) {
    super();
    const byId = (id) => document.getElementById(id);
    this.stage = stage;
    this.troupe = new Troupe(byId("hamster"));
    this.mask = new Mask(byId("mask"), this.troupe);
    this.scene = new Scene({ video, picture, mask: this.mask, troupe: this.troupe });
    this.keepsakes = new Keepsakes(this.scene, {
      announce,
      recording: (isRecording) => stage.toggleAttribute("data-recording", isRecording),
    });
    /** @type {import("./why.js").Evidence | null} */
    this.evidence = null;
    new Why(byId("why"), byId("open-why"), () => this.evidence);
    const toggle = byId("toggle-mask");
    toggle.addEventListener("click", () => {
      this.mask.switch(!this.mask.on);
      toggle.ariaChecked = String(this.mask.on);
      this.dispatchEvent(new Event("mask"));
    });
  }

  /**
   * @param {Face[]} faces the one followed first; each with an id
   * @param {import("./why.js").Evidence} evidence
   */
  see(faces, evidence) {
    this.evidence = evidence;
    this.stage.toggleAttribute("data-evidence", true);
    this.#show(faces);
  }

  /** Nobody answers for the picture any more, while it goes on. */
  lose() {
    this.keepsakes.recorder.stop("away");
    this.#show([]);
  }

  /** There is no picture any more. */
  rest() {
    this.evidence = null;
    delete this.stage.dataset.evidence;
    this.keepsakes.sceneEnds();
    this.troupe.clear();
    this.mask.clear();
  }

  #show(faces) {
    this.troupe.show(faces, this.mask.mirrored);
    this.mask.show(faces);
  }
}
