/** Handing files to the API, with word of how far it is. */

/** An error of the API by its code, or `no_answer`. */
export class UploadError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "UploadError";
    this.code = code;
  }
}

/**
 * POST a form. Not with `fetch`, which does not say how much has been sent.
 * @param {string} url @param {FormData} form
 * @param {{token: string, progress: (share: number) => void}} how `token` is the page's CSRF token
 * @returns {Promise<object>} what the API answers
 * @throws {UploadError}
 */
export function upload(url, form, { token, progress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("X-CSRFToken", token);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300 && request.response) {
        resolve(request.response);
        return;
      }
      const error = request.response?.error;
      reject(new UploadError(error?.code ?? "unknown", error?.message ?? `The site answered with ${request.status}.`));
    });
    request.addEventListener("error", () => {
      reject(new UploadError("no_answer", "The connection broke before everything was sent. Try again."));
    });
    request.send(form);
  });
}

/** @param {number} bytes @returns {string} "3.4 MB" */
export function megabytes(bytes) {
  return bytes < 100_000 ? `${Math.ceil(bytes / 1000)}\u00a0kB` : `${(bytes / 1_000_000).toFixed(1)}\u00a0MB`;
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
