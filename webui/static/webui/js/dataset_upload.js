/** The form that uploads a data set: how far it is, what is wrong, and on to its page. */

const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);

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

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const limit = Number(form.dataset.maxBytes);
    const [file] = part("file").files;
    if (file.size > limit) {
      show(false, `The file has ${megabytes(file.size)} MB; at most ${megabytes(limit)} MB are accepted.`);
      return;
    }
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      progress.value = loaded / total;
      words.textContent =
        loaded < total ? `${megabytes(loaded)} of ${megabytes(total)} MB` : "All is there. It is being unpacked.";
    });
    request.addEventListener("load", () => {
      if (request.status === 201) location.assign(`${form.dataset.pages}${request.response.id}/`);
      else show(false, reason(request.response));
    });
    request.addEventListener("error", () => show(false, "The connection broke. Nothing was kept; try again."));
    request.addEventListener("abort", () => show(false, "Stopped. Nothing was kept."));
    stop.onclick = () => request.abort();
    progress.value = 0;
    words.textContent = "";
    show(true);
    request.send(new FormData(form));
  });
}

/** What the API says went wrong, with the fields it names. */
function reason(answer) {
  if (!answer?.error) return "The server gave no answer that makes sense. Try again.";
  const { message, details } = answer.error;
  const fields = answer.error.code === "invalid" ? Object.entries(details).map(([name, said]) => `${name}: ${[said].flat().join(" ")}`) : [];
  return [message, ...fields].join(" ");
}
