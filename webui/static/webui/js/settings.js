/** The visitor's choices, kept in this browser, and the dialog that changes them. */

const KEY = "hamster-settings";

/** @typedef {{camera: string, mirror: boolean, boxes: boolean, smoothing: number | null}} Choices
 *  `smoothing` is null until changed: the server's own. */

/** @type {Choices} */
const DEFAULTS = { camera: "", mirror: true, boxes: true, smoothing: null };
const USUAL_SMOOTHING = 0.5;

/** Fires `change` with `{name, value}` in `detail`. */
export class Settings extends EventTarget {
  /** @param {HTMLDialogElement} dialog @param {HTMLButtonElement} opener */
  constructor(dialog, opener) {
    super();
    this.choices = { ...DEFAULTS, ...stored() };
    this.dialog = dialog;
    const input = (name) => dialog.querySelector(`#setting-${name}`);
    this.cameras = input("camera");
    input("mirror").checked = this.choices.mirror;
    input("boxes").checked = this.choices.boxes;
    input("smoothing").value = String(this.choices.smoothing ?? USUAL_SMOOTHING);
    this.cameras.addEventListener("change", () => this.#set("camera", this.cameras.value));
    input("mirror").addEventListener("change", (event) => this.#set("mirror", event.target.checked));
    input("boxes").addEventListener("change", (event) => this.#set("boxes", event.target.checked));
    input("smoothing").addEventListener("input", (event) => this.#set("smoothing", Number(event.target.value)));
    opener.addEventListener("click", () => dialog.showModal());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog && !inside(dialog, event)) dialog.close();
    });
  }

  /** @param {{id: string, name: string}[]} cameras */
  offer(cameras) {
    const [usual] = this.cameras.options;
    this.cameras.replaceChildren(usual, ...cameras.map(({ id, name }) => new Option(name, id)));
    const known = cameras.some(({ id }) => id === this.choices.camera);
    this.cameras.value = known ? this.choices.camera : "";
  }

  #set(name, value) {
    this.choices[name] = value;
    try {
      localStorage.setItem(KEY, JSON.stringify(this.choices));
    } catch (error) {
      console.info("This browser does not keep settings.", error);
    }
    this.dispatchEvent(new CustomEvent("change", { detail: { name, value } }));
  }
}

function inside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // Private windows may forbid storage, and an old value may be damaged: both mean the defaults.
  }
}
