/** Shows a message over the whole camera card, or a strip of words beside the live picture. */

/** @typedef {import("./messages.js").Message} Message */

export class Notice {
  /** @param {HTMLElement} panel holds a title, a text and a button */
  constructor(panel) {
    this.panel = panel;
    this.title = panel.querySelector("#notice-title");
    this.text = panel.querySelector("#notice-text");
    this.action = panel.querySelector("#notice-action");
  }

  /** @param {Message} message @param {(does: string) => void} act */
  show(message, act) {
    this.panel.hidden = false;
    this.panel.dataset.tone = message.tone ?? "calm";
    this.title.textContent = message.title;
    this.text.textContent = message.text;
    this.action.hidden = !message.action;
    this.action.textContent = message.action ?? "";
    this.action.onclick = () => act(message.does);
  }

  /** @returns {boolean} whether the keyboard's focus was on its button, which is gone now */
  hide() {
    const focused = this.panel.contains(document.activeElement);
    this.panel.hidden = true;
    return focused;
  }
}

export class Strip {
  /** @param {HTMLElement} panel holds a text and a button */
  constructor(panel) {
    this.panel = panel;
    this.text = panel.querySelector("#strip-text");
    this.action = panel.querySelector("#strip-action");
  }

  /** @param {string} text @param {{label: string, act: () => void}} [button] */
  show(text, button) {
    this.panel.hidden = false;
    this.text.textContent = text;
    this.action.hidden = !button;
    this.action.textContent = button?.label ?? "";
    this.action.onclick = button?.act ?? null;
  }

  hide() {
    this.panel.hidden = true;
  }
}
