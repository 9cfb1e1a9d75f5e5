/** Pictures from the clipboard: by Ctrl+V anywhere on the page, or by a button where the browser allows it. */

import { WORDS } from "./words.js";

/**
 * @param {HTMLButtonElement} button shown where the clipboard can be read @param {(files: File[]) => void} take
 * @param {(text: string) => void} complain
 */
export function acceptPastes(button, take, complain) {
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) take(files);
  });
  button.hidden = !navigator.clipboard?.read;
  button.addEventListener("click", async () => {
    let items;
    try {
      items = await navigator.clipboard.read();
    } catch (error) {
      console.info("The clipboard can't be read.", error);
      complain(WORDS.clipboardRefused);
      return;
    }
    const files = await Promise.all(items.map(asFile));
    const pictures = files.filter(Boolean);
    if (pictures.length > 0) take(pictures);
    else complain(WORDS.clipboardEmpty);
  });
}

/** @param {ClipboardItem} item @returns {Promise<File | null>} */
async function asFile(item) {
  const type = item.types.find((name) => name.startsWith("image/"));
  if (!type) return null;
  return new File([await item.getType(type)], `pasted.${type.slice("image/".length)}`, { type });
}
