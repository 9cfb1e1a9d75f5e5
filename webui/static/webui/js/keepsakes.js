/** Saving a picture and recording a clip of what the page shows. Both stay in the browser. */

import { fileName, save } from "./files.js";
import { decimal } from "./i18n.js";
import { KEEP } from "./messages.js";
import { Recorder, filmType, lengthOf } from "./recorder.js";

export class Keepsakes {
  /**
   * @param {import("./scene.js").Scene} scene
   * @param {{announce: (text: string) => void, recording: (isRecording: boolean) => void}} tell
   */
  constructor(scene, tell) {
    this.scene = scene;
    this.tell = tell;
    this.recorder = new Recorder(scene);
    const byId = (id) => document.getElementById(id);
    this.opener = byId("open-keep");
    this.dialog = byId("keep");
    this.says = byId("keep-says");
    this.bar = byId("recording");
    this.left = byId("recording-left");
    this.stopButton = byId("recording-stop");
    this.clip = byId("clip");
    this.film = byId("clip-film");
    this.download = byId("clip-download");
    const canRecord = filmType() !== null;
    byId("record-clip").hidden = !canRecord;
    byId("record-missing").hidden = canRecord;
    byId("record-missing").textContent = KEEP.noRecorder;
    this.opener.addEventListener("click", () => this.#open());
    byId("save-picture").addEventListener("click", () => this.#savePicture());
    byId("record-clip").addEventListener("click", () => this.#record());
    this.stopButton.addEventListener("click", () => this.recorder.stop("wish"));
    this.clip.addEventListener("close", () => this.#discard());
    this.recorder.addEventListener("tick", ({ detail }) => {
      this.left.textContent = KEEP.left(detail);
    });
    this.recorder.addEventListener("done", ({ detail }) => this.#recorded(detail));
  }

  /** What is shown has gone: a recording ends with what it has. */
  sceneEnds() {
    this.recorder.stop("away");
    this.dialog.close();
  }

  #open() {
    document.getElementById("keep-shows").textContent = this.scene.showsPeople ? KEEP.people : KEEP.hamsters;
    this.says.textContent = "";
    this.dialog.showModal();
  }

  async #savePicture() {
    const canvas = Object.assign(document.createElement("canvas"), this.scene.size);
    this.scene.paint(canvas.getContext("2d", { alpha: false }));
    const picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (!picture) {
      this.says.textContent = KEEP.notSaved;
      return;
    }
    const name = fileName("png");
    save(picture, name);
    this.says.textContent = KEEP.saved(name);
  }

  #record() {
    try {
      this.recorder.start();
    } catch (error) {
      console.warn("The recording could not begin.", error);
      this.says.textContent = KEEP.noRecorder;
      return;
    }
    this.dialog.close();
    this.bar.hidden = false;
    this.tell.recording(true);
    this.tell.announce(KEEP.recording);
    this.stopButton.focus();
  }

  async #recorded({ film, reason }) {
    this.bar.hidden = true;
    this.tell.recording(false);
    this.opener.focus();
    if (film.size === 0) {
      this.tell.announce(KEEP.nothing);
      return;
    }
    this.film.src = this.download.href = URL.createObjectURL(film);
    this.download.download = fileName(film.type.split("/")[1]);
    const length = await lengthOf(this.film);
    if (Number.isNaN(length)) {
      this.#discard();
      this.tell.announce(KEEP.nothing);
      return;
    }
    document.getElementById("clip-says").textContent = KEEP.ended[reason](decimal(length, 1));
    this.clip.showModal();
    this.film.play().catch((error) => console.info("The clip does not play by itself.", error));
  }

  #discard() {
    this.film.pause();
    URL.revokeObjectURL(this.film.src);
    this.film.removeAttribute("src");
    this.film.load();
    this.download.removeAttribute("href");
  }
}
