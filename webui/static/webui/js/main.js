/** The stage: wires the camera or a picture to the boxes, the words, the bars and the hamster. */

import { Announcer } from "./announcer.js";
import { Bars } from "./bars.js";
import { CameraError } from "./camera.js";
import { CorrectionDialog } from "./correction.js";
import { looks, mainFace } from "./emotions.js";
import { sentences, stopped } from "./i18n.js";
import { MOST } from "./lineup.js";
import { Live } from "./live.js";
import { LivePanels } from "./live_panels.js";
import { NOTICES, READINGS, STRIPS, TOGGLE, pictureTrouble, several } from "./messages.js";
import { Notice, Strip } from "./notice.js";
import { Overlay } from "./overlay.js";
import { PictureError, PictureView, acceptPictures, predict } from "./picture.js";
import { Puppets } from "./puppets.js";
import { Numbers, Reading } from "./reading.js";
import { Settings } from "./settings.js";

const NEWS_LASTS = 5000;
const NO_NUMBERS = { fps: null, delay: null, dropped: null };
const CAMERA_STATES = new Set(["asking", "live"]);

class Stage {
  constructor() {
    const byId = (id) => document.getElementById(id);
    this.root = byId("stage");
    this.card = byId("seen");
    this.video = byId("video");
    this.canvas = byId("picture");
    this.credit = byId("credit");
    this.toggle = byId("toggle");
    this.file = byId("file");
    this.announcer = new Announcer(byId("announcer"));
    this.bars = new Bars(byId("bars"));
    this.notice = new Notice(byId("notice"));
    this.strip = new Strip(byId("strip"));
    this.overlay = new Overlay(byId("overlay"));
    this.reading = new Reading(byId("reading"), byId("reading-hint"), byId("reading-dot"));
    this.numbers = new Numbers(byId("numbers"));
    this.settings = new Settings(byId("settings"), byId("open-settings"));
    this.picture = new PictureView(this.canvas);
    this.puppets = new Puppets(this.root, this.video, this.picture, (text) => this.announcer.say(text));
    this.overlay.area = this.puppets.mask.area = () => (this.state === "picture" ? this.picture.area : null);
    this.live = new Live(this.video, MOST, this.root.dataset);
    this.panels = new LivePanels(this.live);
    const scene = () => ({
      source: this.state === "picture" ? this.picture.bitmap : this.live.seen,
      mirrored: this.overlay.mirrored,
      detector: this.detector,
    });
    this.correction = new CorrectionDialog(byId("correction"), byId("wrong"), scene, () => this.panels.corrected());
    this.looking = 0;
    this.#listen(byId);
    this.#applySettings();
    this.#rest("first");
    this.puppets.troupe.wave();
  }

  /** Start the camera. */
  async start() {
    this.looking += 1;
    if (typeof WebSocket === "undefined") {
      this.#rest("offline");
      return;
    }
    if (!CAMERA_STATES.has(this.state)) {
      this.correction.forgetConsent();
      this.panels.begin();
    }
    this.#rest("asking");
    try {
      if (!(await this.live.start(this.settings.choices.camera))) return;
    } catch (error) {
      if (!(error instanceof CameraError)) throw error;
      this.live.stop();
      this.#rest(error.reason);
      this.panels.end();
      return;
    }
    this.#enter("live");
    this.video.hidden = false;
    this.#mirror();
    this.reading.say(READINGS.looking);
    this.settings.offer(await this.live.camera.list());
  }

  /** Stop the camera. */
  stop() {
    this.#leave("stopped");
  }

  /** Look at one picture. @param {Blob} file @param {string} [credit] */
  async look(file, credit = "") {
    const turn = (this.looking += 1);
    this.#leave("looking");
    this.reading.say(READINGS.looking);
    try {
      this.canvas.hidden = false;
      const sent = performance.now();
      const answering = predict(this.root.dataset.predictUrl, file).then((answer) => {
        const delay = performance.now() - sent;
        return { ...answer, delay };
      });
      const [answer] = await Promise.all([answering, this.picture.load(file)]);
      if (turn !== this.looking) return;
      this.#enter("picture");
      this.credit.textContent = credit;
      this.credit.hidden = credit === "";
      this.#found(file, answer);
      this.numbers.show({ delay: answer.delay, detector: answer.detector });
    } catch (error) {
      if (turn !== this.looking) return;
      if (!(error instanceof PictureError)) throw error;
      this.#rest("bad-picture", pictureTrouble(error.code, error.message));
    }
  }

  #listen(byId) {
    const { live, settings } = this;
    this.toggle.addEventListener("click", () => (CAMERA_STATES.has(this.state) ? this.stop() : this.start()));
    byId("choose").addEventListener("click", () => this.file.click());
    byId("sample").addEventListener("click", (event) => this.#sample(event.currentTarget.dataset));
    acceptPictures(this.file, this.card, (file) => this.look(file));
    settings.addEventListener("change", ({ detail }) => {
      this.#applySettings();
      if (detail.name === "camera" && CAMERA_STATES.has(this.state)) this.start();
    });
    live.addEventListener("prediction", ({ detail: { faces, picture, frame } }) =>
      // The server puts the face that it follows first.
      this.#see(faces, { picture, frame, mirrored: this.overlay.mirrored }, READINGS.none),
    );
    this.puppets.addEventListener("mask", () => this.#applySettings());
    live.addEventListener("numbers", ({ detail }) => this.#count(detail));
    live.addEventListener("connection", ({ detail }) => this.#connection(detail));
    live.addEventListener("version", ({ detail }) => this.numbers.show({ detector: (this.detector = detail) }));
    live.addEventListener("detector", ({ detail }) => this.#news(detail));
    live.addEventListener("ended", () => {
      this.#rest("lost");
      this.panels.end();
    });
  }

  async #sample({ url, credit }) {
    const turn = (this.looking += 1);
    this.#leave("looking");
    let file;
    try {
      file = await (await fetch(url)).blob();
    } catch (error) {
      console.warn("The sample picture did not come.", error);
      if (turn === this.looking) this.#rest("bad-picture", pictureTrouble("no_answer"));
      return;
    }
    if (turn === this.looking) this.look(file, credit);
  }

  /** Put the camera away, if it is on, and show the card of its session. */
  #leave(state) {
    const isOn = CAMERA_STATES.has(this.state);
    this.live.stop();
    this.#rest(state);
    if (isOn) this.panels.end();
  }

  #applySettings() {
    const { mirror, boxes, smoothing } = this.settings.choices;
    this.mirror = mirror;
    this.overlay.visible = boxes && !this.puppets.mask.on;
    if (smoothing !== null && smoothing !== this.live.smoothing) this.live.smooth(smoothing);
    this.#mirror();
  }

  #mirror() {
    const mirrored = this.mirror && this.state === "live" && !this.live.camera.facesAway;
    this.card.classList.toggle("mirrored", mirrored);
    this.overlay.mirrored = this.puppets.mask.mirrored = mirrored;
    this.overlay.draw();
  }

  /** Enter a state with nothing seen yet, and say it over the card if there is something to say. */
  #rest(state, message = NOTICES[state]) {
    const focused = document.activeElement === this.toggle;
    this.#enter(state);
    clearInterval(this.countdown);
    delete this.root.dataset.connection;
    delete this.root.dataset.fps;
    this.video.hidden = this.canvas.hidden = this.credit.hidden = true;
    this.strip.hide();
    this.#forget(READINGS.idle);
    if (!CAMERA_STATES.has(state)) this.correction.forgetConsent();
    this.puppets.rest();
    this.numbers.show(NO_NUMBERS);
    if (!message) return;
    this.notice.show(message, (does) => (does === "camera" ? this.start() : this.file.click()));
    this.toggle.hidden = Boolean(message.action);
    if (focused && message.action) this.notice.action.focus();
    if (state !== "first") this.announcer.say(sentences(stopped(message.title), message.text));
  }

  #enter(state) {
    this.state = this.root.dataset.state = state;
    this.toggle.hidden = false;
    this.toggle.textContent = CAMERA_STATES.has(state) ? TOGGLE.stop : TOGGLE.start;
    if (this.notice.hide()) this.toggle.focus();
    this.#mirror();
  }

  #forget(words) {
    this.overlay.clear();
    this.reading.say(words);
    this.bars.show(null);
    this.correction.see(null);
    delete this.root.dataset.faces;
  }

  /** What the server found in a still picture: the biggest face is followed, as the server does with live frames. */
  #found(file, { boxes, detector }) {
    this.detector = detector;
    const main = mainFace(boxes);
    const faces = [main, ...boxes.filter((face) => face !== main)].filter(Boolean);
    const numbered = faces.map((face, index) => ({ id: -index - 1, ...face })); // Live faces count from 1.
    this.#see(numbered, { picture: file, frame: null, mirrored: false }, READINGS.nonePicture);
  }

  /** @param {import("./emotions.js").Face[]} faces the one followed first @param {object} sent for the evidence */
  #see(faces, sent, nobody) {
    const [face] = faces;
    if (!face) this.#forget(nobody);
    this.root.dataset.faces = String(faces.length);
    this.puppets.see(faces, { ...sent, faces, detector: this.detector });
    this.announcer.say(face ? looks(face.label) : nobody.line);
    if (!face) return;
    this.overlay.show(faces);
    this.reading.face(face, faces.length > 1 ? several(faces.length, MOST) : "");
    this.bars.show(face.scores, face.label);
    this.correction.see(face);
  }

  #count({ fps, delay, dropped }) {
    if (!this.live.socket.ready) return;
    this.root.dataset.fps = fps.toFixed(1);
    this.numbers.show({ fps: fps > 0 ? fps : null, delay, dropped });
  }

  #connection({ state, message, retryAt }) {
    this.root.dataset.connection = state;
    clearInterval(this.countdown);
    if (state === "open") this.strip.hide();
    if (state === "connecting") this.strip.show(STRIPS.connecting);
    if (["slow", "slow-link", "late"].includes(state)) this.strip.show(STRIPS[state]);
    if (state === "trouble") this.strip.show(message);
    if (retryAt === undefined) return;
    this.#forget(READINGS.away);
    this.puppets.lose();
    this.numbers.show(NO_NUMBERS);
    this.announcer.say(STRIPS[state](0));
    const again = { label: TOGGLE.now, act: () => this.live.socket.retryNow() };
    const count = () => {
      const seconds = Math.ceil((retryAt - performance.now()) / 1000);
      this.strip.show(STRIPS[state](Math.max(0, seconds)), again);
    };
    count();
    this.countdown = setInterval(count, 250);
  }

  #news(version) {
    this.numbers.show({ detector: (this.detector = version) });
    this.strip.show(STRIPS.detector(version));
    setTimeout(() => this.root.dataset.connection === "open" && this.strip.hide(), NEWS_LASTS);
  }
}

new Stage();
