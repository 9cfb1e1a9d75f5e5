/** Handing files to the API, with word of how far it is. */

import { decimal, fill, gettext, sentences, titled } from "./i18n.js";

/** What the API says went wrong, with the fields that it names, or that the connection broke. */
export class UploadError extends Error {
  name = "UploadError";

  /** @param {string} message @param {{code: string, retryAfter?: number}} how `code` is the API's, or `no_answer`; seconds to wait */
  constructor(message, { code, retryAfter = 0 }) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/**
 * POST a form. Not with `fetch`, which does not say how much has been sent.
 * @param {string} url @param {FormData} form
 * @param {{token: string, key?: string, progress: (loaded: number, total: number) => void, stop?: AbortSignal}} how `token` is the page's
 * CSRF token, if it has one; with the same `key` the form can be sent again; bytes are told of
 * @returns {Promise<object>} what the API answers
 * @throws {UploadError}
 */
export function upload(url, form, { token, key, progress, stop }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    if (token) request.setRequestHeader("X-CSRFToken", token);
    if (key) request.setRequestHeader("Idempotency-Key", key);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress(event.loaded, event.total);
    });
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300 && request.response) resolve(request.response);
      else reject(new UploadError(reason(request), about(request)));
    });
    request.addEventListener("error", () => {
      const message = key
        ? gettext("The connection broke. Try again: nothing is handed in twice.")
        : gettext("The connection broke before everything was sent. Nothing was kept; try again.");
      reject(new UploadError(message, { code: "no_answer" }));
    });
    request.addEventListener("abort", () => reject(new UploadError(gettext("Stopped. Nothing was kept."), { code: "stopped" })));
    stop?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

function about(request) {
  const code = request.response?.error?.code ?? "no_answer";
  return { code, retryAfter: Number(request.getResponseHeader("Retry-After")) || 0 };
}

function reason({ status, response }) {
  if (!response?.error) return fill(gettext("The site answered with {status}. Try again."), { status });
  const { code, message, details } = response.error;
  const fields = code === "invalid" ? Object.entries(details).map(([name, said]) => titled(name, sentences(...[said].flat()))) : [];
  return sentences(message, ...fields);
}

/** @param {number} bytes @returns {string} "3.4 MB" */
export function megabytes(bytes) {
  return bytes < 100_000 ? `${Math.ceil(bytes / 1000)}\u00a0kB` : `${decimal(bytes / 1_000_000, 1)}\u00a0MB`;
}

/**
 * Take what is dropped on a place, whole folders too.
 * @param {HTMLElement} place marked with the class `dropping` while something is dragged over the page
 * @param {(files: File[]) => void} take
 */
export function acceptDrops(place, take) {
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    place.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) place.classList.remove("dropping");
  });
  addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    place.classList.remove("dropping");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
    const loose = [...event.dataTransfer.files];
    const folders = entries.filter((entry) => entry?.isDirectory);
    const files = loose.filter((_, index) => !entries[index]?.isDirectory);
    for (const folder of folders) files.push(...(await filesIn(folder)));
    take(files);
  });
}

/** @param {FileSystemDirectoryEntry} folder @returns {Promise<File[]>} */
async function filesIn(folder) {
  const reader = folder.createReader();
  const files = [];
  for (;;) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return files; // They come a hundred at a time.
    for (const entry of entries) {
      if (entry.isDirectory) files.push(...(await filesIn(entry)));
      else files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    }
  }
}
