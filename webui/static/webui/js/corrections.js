/** The page of corrections: those whose codes this browser keeps, with what became of them. */

import { CorrectionError, ask } from "./correction.js";
import { KEPT } from "./correction_messages.js";
import { forgetCorrection, keptCorrections } from "./kept_corrections.js";
import { withdraw } from "./withdrawal.js";

const section = document.getElementById("kept");
const list = document.getElementById("kept-list");

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** @param {import("./kept_corrections.js").Kept} correction */
function row(correction) {
  const { id, code, at } = correction;
  const line = element("li", "", "correction-row");
  const about = element("div", "", "correction-about");
  const state = element("span", KEPT.asking, "state");
  const head = element("p", "");
  head.append(element("strong", KEPT.title(id)), " ", state);
  const trouble = element("p", "", "form-error");
  trouble.setAttribute("role", "alert");
  about.append(head, element("p", KEPT.about(correction)), element("p", KEPT.sent(at), "quiet"), element("code", code, "correction-code"), trouble);
  const button = element("button", KEPT.withdraw, "button danger");
  button.append(element("span", ` ${KEPT.title(id)}`, "unseen"));
  line.append(about, button);

  const { url } = section.dataset;
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const show = (words) => {
    state.dataset.state = words;
    state.textContent = KEPT.states[words] ?? words;
  };
  const over = (words) => {
    show(words);
    button.firstChild.textContent = KEPT.forget;
    button.classList.remove("danger");
    button.onclick = () => {
      forgetCorrection(id);
      line.remove();
      section.hidden = list.children.length === 0;
    };
  };

  button.onclick = async () => {
    trouble.textContent = "";
    try {
      over(await withdraw(correction, url, token) ? "withdrawn" : KEPT.gone);
    } catch (error) {
      if (!(error instanceof CorrectionError)) throw error;
      trouble.textContent = error.message || KEPT.failed;
    }
  };
  ask(`${url}${id}/`, { headers: { "X-Withdrawal-Code": code } }).then(
    (found) => show(found.state),
    (error) => (error.code === "not_found" ? over(KEPT.gone) : show(KEPT.unknown)),
  );
  return line;
}

const kept = keptCorrections();
section.hidden = kept.length === 0;
list.append(...kept.map(row));
