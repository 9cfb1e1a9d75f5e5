/** What is kept: the server draws it, this turns its pages and deletes without leaving the uploads. */

const REFRESH_PAUSE = 500;

export class History {
  /** @param {{kept: string, token: () => string, ask: HTMLDialogElement, deleted: () => void, trouble: () => void}} how `kept` is
   * the address of the API's kept predictions, `ask` a dialog that says "delete" or nothing */
  constructor({ kept, token, ask, deleted, trouble }) {
    this.kept = kept;
    this.token = token;
    this.ask = ask;
    this.deleted = deleted;
    this.trouble = trouble;
    this.address = location.href;
    this.timer = 0;
    document.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("submit", (event) => this.#submitted(event));
    addEventListener("popstate", () => this.#show(location.href));
  }

  /** Something new is kept; asked for often, it looks not more than twice a second. */
  refresh() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.#show(this.address);
    }, REFRESH_PAUSE);
  }

  get #section() {
    return document.querySelector("#history");
  }

  async #clicked(event) {
    const link = event.target.closest("#history a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.id === "delete-all") {
      event.preventDefault();
      this.ask.returnValue = "";
      this.ask.showModal();
      this.ask.addEventListener("close", () => this.ask.returnValue === "delete" && this.#delete(this.kept), { once: true });
    } else if (link.matches("[data-goes], .turn a")) {
      event.preventDefault();
      const address = new URL(link.getAttribute("href"), location.origin + location.pathname).href;
      if (await this.#show(address)) history.pushState(null, "", address);
    }
  }

  #submitted(event) {
    const row = event.target.closest("#history [data-kept]");
    if (!row) return;
    event.preventDefault();
    this.#delete(`${this.kept}${row.dataset.kept}/`);
  }

  async #delete(address) {
    const answer = await fetch(address, { method: "DELETE", headers: { "X-CSRFToken": this.token() } }).catch(() => null);
    if (answer?.ok || answer?.status === 404) this.deleted(); // 404: it was gone already.
    else this.trouble();
    await this.#show(this.address);
  }

  /** @returns {Promise<boolean>} whether it could be shown */
  async #show(address) {
    const answer = await fetch(address).catch(() => null);
    if (!answer?.ok) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("#history");
    if (!fresh) return false; // Signed out meanwhile.
    this.address = address;
    const before = this.#section;
    const focused = before.contains(document.activeElement) ? document.activeElement : null;
    before.replaceWith(fresh);
    if (focused || document.activeElement === document.body) this.#focus(fresh, focused);
    return true;
  }

  /** Keep the keyboard where it was, or at the title where what it was on is gone. */
  #focus(fresh, focused) {
    if (!focused) return;
    const same = [...fresh.querySelectorAll("a, button")].find((other) => keyOf(other) === keyOf(focused));
    (same ?? fresh.querySelector("#history-title")).focus();
  }
}

function keyOf(element) {
  return element.closest("[data-kept]")?.dataset.kept ?? element.textContent.replace(/\d+/g, "").trim();
}
