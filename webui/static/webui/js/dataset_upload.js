/**
 * The form that uploads a data set: how far it is, what is wrong, and on to its page.
 * Its button can't be pressed before: by itself the browser would show the API's answer as a page.
 */

import { fill, gettext } from "./i18n.js";
import { megabytes, upload } from "./upload.js";

/** @param {HTMLFormElement} form with an `action` that answers as the API does, and in `data-pages` where the pages are */
export function uploadForm(form) {
  const part = (name) => form.querySelector(`#upload-${name}`);
  const [going, progress, words, error, start, stop] = ["going", "progress", "words", "error", "start", "stop"].map(part);

  const show = (isGoing, message = "") => {
    going.hidden = stop.hidden = !isGoing;
    start.disabled = isGoing;
    error.hidden = !message;
    error.textContent = message;
  };

  const showSent = (loaded, total) => {
    progress.value = loaded / total;
    words.textContent = loaded < total ? fill(gettext("{sent} of {total}"), { sent: megabytes(loaded), total: megabytes(total) }) : gettext("All is there. It is being unpacked.");
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const limit = Number(form.dataset.maxBytes);
    const [file] = part("file").files;
    if (file.size > limit) {
      show(false, fill(gettext("The file has {size}; at most {most} are accepted."), { size: megabytes(file.size), most: megabytes(limit) }));
      return;
    }
    const stopped = new AbortController();
    stop.onclick = () => stopped.abort();
    showSent(0, file.size);
    show(true);
    try {
      const dataset = await upload(form.action, new FormData(form), {
        token: form.elements.csrfmiddlewaretoken.value,
        progress: showSent,
        stop: stopped.signal,
      });
      location.assign(`${form.dataset.pages}${dataset.id}/`);
    } catch (problem) {
      show(false, problem.message);
    }
  });
  show(false);
}
