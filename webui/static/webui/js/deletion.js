/** The pages that delete everything, or the account: before that they withdraw what this browser sent without an account. */

import { CorrectionError } from "./correction.js";
import { DELETION, KEPT } from "./correction_messages.js";
import { sentences } from "./i18n.js";
import { keptCorrections } from "./kept_corrections.js";
import { withdrawAll } from "./withdrawal.js";

const part = (name) => document.getElementById(`strangers-${name}`);
const form = part("withdraw").form;
const button = form.querySelector("button");
const trouble = part("trouble");

function show() {
  const count = keptCorrections().length;
  part("choice").hidden = count === 0;
  part("elsewhere").hidden = count > 0;
  part("says").textContent = DELETION.withdraw(count);
}

form.addEventListener("submit", async (event) => {
  if (part("choice").hidden || !part("withdraw").checked) return;
  event.preventDefault();
  trouble.hidden = true;
  button.disabled = true;
  try {
    await withdrawAll(part("choice").dataset.url, form.elements.csrfmiddlewaretoken.value);
    form.submit();
  } catch (error) {
    button.disabled = false;
    show();
    if (!(error instanceof CorrectionError)) throw error;
    trouble.hidden = false;
    trouble.textContent = sentences(error.message || KEPT.failed, DELETION.failed);
  }
});

show();
