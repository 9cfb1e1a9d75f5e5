/** A picture from the camera, which is asked for when the dialog opens and let go when it closes. */

import { Camera, CameraError } from "../camera.js";
import { sentences, stopped } from "../i18n.js";
import { NOTICES } from "../messages.js";
import { WORDS } from "./words.js";

const QUALITY = 0.92;

export class Snapshot {
  /** @param {HTMLDialogElement} dialog @param {(files: File[]) => void} take */
  constructor(dialog, take) {
    this.dialog = dialog;
    this.video = dialog.querySelector("video");
    this.frame = this.video.parentElement;
    this.says = dialog.querySelector("#camera-says");
    this.button = dialog.querySelector("#camera-take");
    this.camera = new Camera(this.video);
    this.camera.addEventListener("ended", () => this.#trouble("lost"));
    this.button.addEventListener("click", async () => {
      const file = await this.#picture();
      dialog.close();
      take([file]);
    });
    dialog.addEventListener("close", () => this.camera.stop());
  }

  async open() {
    this.button.disabled = true;
    this.frame.hidden = false;
    this.says.textContent = WORDS.cameraOpening;
    this.dialog.showModal();
    try {
      if (!(await this.camera.open(""))) return;
    } catch (error) {
      if (!(error instanceof CameraError)) throw error;
      this.#trouble(error.reason);
      return;
    }
    this.frame.classList.toggle("mirrored", !this.camera.facesAway);
    this.says.textContent = "";
    this.button.disabled = false;
    this.button.focus();
  }

  #trouble(reason) {
    this.button.disabled = true;
    this.frame.hidden = true;
    this.says.textContent = sentences(stopped(NOTICES[reason].title), NOTICES[reason].text);
  }

  async #picture() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    return new File([blob], "camera.jpg", { type: blob.type });
  }
}
