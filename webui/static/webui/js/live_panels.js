/** What the camera page knows of a whole session: how fast it is, the last minutes, and the card at its end. */

import { SessionCard } from "./session/card.js";
import { Recorder } from "./session/recorder.js";
import { SpeedPanel } from "./speed/panel.js";
import { LiveTimeline } from "./timeline/live_timeline.js";

export class LivePanels {
  /** @param {import("./live.js").Live} live */
  constructor(live) {
    const byId = (id) => document.getElementById(id);
    this.live = live;
    this.recorder = new Recorder();
    this.speed = new SpeedPanel(byId("speed"), live);
    this.timeline = new LiveTimeline(byId("timeline"), live);
    this.card = new SessionCard(byId("session-card"));
    this.sentBefore = 0;
    this.corrections = 0;
    live.addEventListener("prediction", ({ detail: { faces } }) => this.recorder.add(performance.now(), faces[0] ?? null));
    live.addEventListener("version", ({ detail }) => this.recorder.detector(detail));
    live.addEventListener("detector", ({ detail }) => this.recorder.detector(detail));
    disclose(byId("open-speed"), byId("speed"), () => {});
    disclose(byId("open-timeline"), byId("timeline"), () => this.timeline.toggled());
  }

  /** A session begins. */
  begin() {
    this.sentBefore = this.live.frame;
    this.corrections = 0;
    this.recorder.begin();
    this.timeline.begin();
  }

  /** A correction was sent: it belongs on the receipt, also when the card is open already. */
  corrected() {
    this.corrections += 1;
    this.card.correct(this.corrections);
  }

  /** The visitor has stopped it, or the camera has gone: show its card, if a frame was looked at. */
  end() {
    const session = this.recorder.end(performance.now(), Date.now(), this.live.frame - this.sentBefore);
    this.recorder.begin();
    if (session !== null) this.card.show(session, this.corrections);
  }
}

/** A button that shows and hides what it controls. */
function disclose(button, panel, toggled) {
  button.addEventListener("click", () => {
    panel.hidden = !panel.hidden;
    button.setAttribute("aria-expanded", String(!panel.hidden));
    toggled();
    if (!panel.hidden) panel.scrollIntoView({ block: "nearest" });
  });
}
