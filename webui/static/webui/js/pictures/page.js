/** The page of still pictures: takes them from everywhere, sends each by itself, shows what was found. */

import { Announcer } from "../announcer.js";
import { sentences, stopped, titled } from "../i18n.js";
import { UploadError, acceptDrops, upload } from "../upload.js";
import { Card } from "./card.js";
import { acceptPastes } from "./clipboard.js";
import { History } from "./history.js";
import { Keeping } from "./keeping.js";
import { Line } from "./line.js";
import { Snapshot } from "./snapshot.js";
import { WORDS, sayCount, sayPause, sayTooMany, troubleOf } from "./words.js";

class Pictures {
  constructor() {
    const byId = (id) => document.getElementById(id);
    this.form = byId("look");
    this.field = byId("files");
    this.error = byId("look-error");
    this.list = byId("looks");
    this.results = byId("results");
    this.count = byId("count");
    this.again = byId("again");
    this.pause = byId("pause");
    this.template = byId("look-card");
    this.maxBytes = Number(this.form.dataset.maxBytes);
    this.most = Number(this.form.dataset.maxPictures);
    /** @type {Piece[]} */
    this.pieces = [];
    this.announcer = new Announcer(byId("announcer"));
    this.keeping = new Keeping(byId("keeping"), this.form.dataset.account);
    this.line = new Line(Number(this.form.dataset.atOnce), (seconds) => this.#paused(seconds));
    if (byId("history")) {
      this.history = new History({
        kept: this.form.dataset.kept,
        token: () => this.token,
        ask: byId("ask-delete"),
        deleted: () => this.announcer.say(WORDS.deleted),
        trouble: () => this.#complain(WORDS.historyFailed),
      });
    }
    this.#listen(byId);
  }

  get token() {
    return this.form.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  }

  /** @param {Iterable<File>} files */
  take(files) {
    const pictures = [...files];
    const room = Math.max(0, this.most - this.pieces.length);
    this.#complain(pictures.length > room ? sayTooMany(this.most) : pictures.length === 0 ? WORDS.noPictures : "");
    for (const file of pictures.slice(0, room)) {
      const piece = new Piece(this, file);
      this.pieces.push(piece);
      this.list.append(piece.card.root);
      piece.begin();
    }
    this.tell();
  }

  /** @param {Piece} piece */
  remove(piece) {
    const next = this.pieces[this.pieces.indexOf(piece) + 1] ?? this.pieces[this.pieces.indexOf(piece) - 1];
    this.pieces = this.pieces.filter((other) => other !== piece);
    piece.stop();
    piece.card.root.remove();
    (next?.card.part.remove ?? this.field).focus();
    this.tell();
  }

  /** How many are done, for everybody; what is new, for a screen reader. @param {string} [news] */
  tell(news = "") {
    const of = (...states) => this.pieces.filter(({ card }) => states.includes(card.state)).length;
    const counts = { done: of("done", "failed"), failed: of("failed"), total: this.pieces.length };
    this.results.hidden = counts.total === 0;
    this.again.hidden = counts.failed < 2;
    this.count.textContent = sayCount(counts);
    if (news) this.announcer.say(sentences(news, stopped(sayCount(counts))));
  }

  #listen(byId) {
    byId("drop-says").textContent = WORDS.drop;
    byId("send").hidden = true;
    this.field.multiple = true;
    this.field.required = false;
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.field.addEventListener("change", () => {
      this.take(this.field.files);
      this.field.value = "";
    });
    acceptDrops(byId("drop"), (files) => this.take(files));
    acceptPastes(byId("paste"), (files) => this.take(files), (text) => this.#complain(text));
    const snapshot = new Snapshot(byId("camera"), (files) => this.take(files));
    byId("snap").hidden = false;
    byId("snap").addEventListener("click", () => snapshot.open());
    this.again.addEventListener("click", () => {
      byId("results-title").focus();
      for (const piece of this.pieces) if (piece.card.state === "failed") piece.begin();
      this.tell();
    });
    byId("clear").addEventListener("click", () => {
      for (const piece of this.pieces) piece.stop();
      this.pieces = [];
      this.list.replaceChildren();
      this.field.focus();
      this.tell();
    });
  }

  #paused(seconds) {
    if (seconds > 0 && this.pause.hidden) this.announcer.say(sayPause(seconds));
    this.pause.hidden = seconds === 0;
    this.pause.textContent = sayPause(seconds);
  }

  #complain(text) {
    this.error.hidden = text === "";
    this.error.textContent = text;
  }
}

/** One picture on its way. */
class Piece {
  /** @param {Pictures} page @param {File} file */
  constructor(page, file) {
    this.page = page;
    this.file = file;
    this.card = new Card(page.template, file);
    this.stopping = new AbortController();
    this.card.addEventListener("retry", () => {
      this.card.part.remove.focus(); // The button that had it goes.
      this.begin();
      page.tell();
    });
    this.card.addEventListener("remove", () => page.remove(this));
  }

  begin() {
    if (this.file.size > this.page.maxBytes) {
      this.#fail("image_too_large"); // Nothing need be sent to know.
      return;
    }
    this.card.wait();
    this.page.line.add(this);
  }

  stop() {
    this.page.line.remove(this);
    this.stopping.abort();
  }

  /** See `Line`. */
  async work() {
    await this.card.preview();
    if (this.stopping.signal.aborted) return;
    const form = new FormData();
    form.append("file", this.file, this.file.name);
    try {
      const result = await upload(`${this.page.form.dataset.predict}${this.page.keeping.query}`, form, {
        token: this.page.token,
        progress: (loaded, total) => this.card.sent(loaded / total),
        stop: this.stopping.signal,
      });
      this.card.succeed(result);
      this.page.tell(titled(this.file.name, stopped(this.card.part.line.textContent)));
      if (result.id !== undefined) this.page.history?.refresh();
    } catch (error) {
      if (!(error instanceof UploadError)) throw error;
      if (this.stopping.signal.aborted) return;
      if (error.code === "throttled") {
        this.card.wait();
        throw Object.assign(error, { wait: error.retryAfter || 1 });
      }
      this.#fail(error.code, error.message);
    }
  }

  #fail(code, detail = "") {
    const trouble = troubleOf(code, detail);
    this.card.fail(trouble);
    this.page.tell(titled(this.file.name, sentences(stopped(trouble.title), trouble.text)));
  }
}

new Pictures();
