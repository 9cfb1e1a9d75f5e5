/** The review of corrections: one key a decision, unless that is switched off. */

import { REVIEW_KEY } from "./account_choices.js";

const choice = document.getElementById("keys");

function stored() {
  try {
    return localStorage.getItem(REVIEW_KEY) !== "off";
  } catch {
    return true;
  }
}

function store(isOn) {
  try {
    localStorage.setItem(REVIEW_KEY, isOn ? "on" : "off");
  } catch (error) {
    console.info("This browser does not keep the choice.", error);
  }
}

function isWriting(element) {
  return element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

let isOn = stored();
const show = () => document.body.classList.toggle("no-keys", !isOn);
show();
if (choice) {
  choice.checked = isOn;
  choice.addEventListener("change", () => {
    isOn = choice.checked;
    store(isOn);
    show();
  });
}

let isDecided = false;
addEventListener("keydown", (event) => {
  if (!isOn || isDecided || event.repeat || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!target) return;
  event.preventDefault();
  isDecided = true; // The page that comes is about another one.
  target.click();
});
// A page that comes back from the browser's memory, with "Back", is asked anew: the server knows what waits.
addEventListener("pageshow", (event) => event.persisted && location.reload());
