/** The page of one's batches: handing in pictures, and how the open ones come along. */

import { fill, gettext, ngettext } from "./i18n.js";
import { stateNamed, watchJob } from "./jobs.js";
import { newKey } from "./request_key.js";
import { acceptDrops, megabytes, upload } from "./upload.js";

const form = document.querySelector("#upload");
const part = Object.fromEntries(
  ["files", "chosen", "webhook", "upload-error", "sending", "sending-says", "sending-progress", "hand-in", "clear", "drop"].map(
    (id) => [id, document.getElementById(id)],
  ),
);
const limits = { items: Number(form.dataset.maxItems), bytes: Number(form.dataset.maxBytes) };
/** @type {File[]} */
let chosen = [];
/** Of what is chosen: handed in again after a lost answer it is no second batch. */
let key = newKey();

function choose(files) {
  chosen = [...chosen, ...files];
  key = newKey();
  const bytes = chosen.reduce((sum, file) => sum + file.size, 0);
  part.chosen.hidden = chosen.length === 0;
  part.chosen.textContent = fill(ngettext("{count} file, {size}", "{count} files, {size}", chosen.length), { count: chosen.length, size: megabytes(bytes) });
  part.clear.hidden = chosen.length === 0;
  complain(problem(bytes));
  part["hand-in"].disabled = problem(bytes) !== "";
}

function problem(bytes) {
  if (chosen.length > limits.items) return fill(gettext("A batch has at most {count} pictures. Hand these in as several batches."), { count: limits.items });
  if (bytes > limits.bytes) return fill(gettext("A batch has at most {size}. Hand these in as several batches."), { size: megabytes(limits.bytes) });
  return "";
}

function complain(text) {
  part["upload-error"].hidden = text === "";
  part["upload-error"].textContent = text;
}

async function handIn() {
  const body = new FormData();
  for (const file of chosen) body.append("files", file, file.name);
  body.append("webhook", part.webhook.value);
  complain("");
  setSending(true);
  try {
    const batch = await upload(form.action, body, {
      token: form.querySelector("[name=csrfmiddlewaretoken]").value,
      key,
      progress: showSent,
    });
    if (batch.webhook) await showSecret(batch.webhook.secret);
    location.assign(`${form.dataset.pages}${batch.id}/`);
  } catch (error) {
    setSending(false);
    complain(error.message);
  }
}

function setSending(isSending) {
  part.sending.hidden = !isSending;
  part["hand-in"].disabled = part.clear.disabled = part.files.disabled = isSending;
  if (isSending) showSent(0, 1);
}

function showSent(loaded, total) {
  part["sending-progress"].value = loaded / total;
  // Said once at the beginning and once at the end: a screen reader has no use for every percent.
  part["sending-says"].textContent = loaded < total ? gettext("Sending") : gettext("Everything is sent; looking through it");
}

function showSecret(secret) {
  const dialog = document.querySelector("#secret");
  document.querySelector("#secret-value").textContent = secret;
  document.querySelector("#secret-copy").onclick = () => navigator.clipboard?.writeText(secret);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
}

part.files.addEventListener("change", () => {
  choose(part.files.files);
  part.files.value = "";
});
part.webhook.addEventListener("input", () => {
  key = newKey();
});
part.clear.addEventListener("click", () => {
  chosen = [];
  choose([]);
  part.files.focus();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (chosen.length > 0) handIn();
  else complain(gettext("Choose pictures first, or drop them here."));
});
acceptDrops(part.drop, choose);
choose(part.files.files); // Those chosen while the script was on its way; only now can they be handed in.

for (const row of document.querySelectorAll("[data-batch][data-open]")) {
  const stop = watchJob("batch", Number(row.dataset.batch), (batch) => {
    const { counts } = batch;
    const state = row.querySelector(".state");
    state.dataset.state = batch.state;
    state.textContent = stateNamed(batch.state);
    row.querySelector("progress").value = counts.succeeded + counts.failed + counts.cancelled;
    row.querySelector("[data-failed]").textContent = counts.failed;
    if (batch.finished_at) stop();
  }, { gone: () => row.remove() });
}
