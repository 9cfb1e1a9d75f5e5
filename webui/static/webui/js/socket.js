/** The live connection: framing, reconnecting by itself, and typed events for what the server says. */

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const HELLO_WITHIN = 8_000;

/**
 * How long to wait before try number `attempt` (0, 1, 2 ...): doubling, capped, half of it by chance so that many pages
 * do not come back at the same moment.
 * @param {number} attempt @param {() => number} [chance] 0..1 @returns {number} milliseconds
 */
export function backoff(attempt, chance = Math.random) {
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt);
  return wait / 2 + (wait / 2) * chance();
}

/**
 * Events, each with its data in `detail`: `hello`, `prediction`, `problem`, `detector` as in docs/PROTOCOL.md,
 * and `lost` with `{retryAt}` (a time of `performance.now()`).
 */
export class LiveSocket extends EventTarget {
  /** @param {string} path "/ws/live/" on this site */
  constructor(path) {
    super();
    this.address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.ready = false;
    this.attempt = 0;
    this.retryTimer = 0;
    this.helloTimer = 0;
    this.wanted = false;
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.restart());
  }

  /** Connect and stay connected until `close`. */
  open() {
    this.wanted = true;
    this.attempt = 0;
    this.#connect();
  }

  close() {
    this.wanted = false;
    this.#drop();
  }

  /** Skip the rest of the wait. */
  retryNow() {
    if (this.wanted && !this.socket) this.#connect();
  }

  /** Bytes that wait in the browser because the network does not take them. */
  get backlog() {
    return this.socket?.bufferedAmount ?? 0;
  }

  /** Give up a connection that no longer answers and try the next one soon. */
  restart() {
    if (!this.wanted) return;
    this.#drop();
    this.#waitAndRetry();
  }

  /** @param {number} frame its number, 0..2^32-1 @param {Blob} picture */
  sendFrame(frame, picture) {
    if (!this.ready) return;
    const header = new DataView(new ArrayBuffer(4));
    header.setUint32(0, frame, true);
    this.socket.send(new Blob([header.buffer, picture]));
  }

  /** @param {{smoothing?: number, min_score?: number, max_faces?: number}} wishes */
  configure(wishes) {
    if (this.ready) this.socket.send(JSON.stringify({ type: "configure", ...wishes }));
  }

  #connect() {
    this.#drop();
    const socket = new WebSocket(this.address);
    this.socket = socket;
    this.helloTimer = setTimeout(() => this.#lost(socket), HELLO_WITHIN);
    socket.addEventListener("message", (event) => {
      if (socket === this.socket) this.#hear(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => this.#lost(socket));
  }

  #hear(message) {
    if (message.type === "hello") {
      clearTimeout(this.helloTimer);
      this.ready = true;
      this.attempt = 0;
    }
    const name = message.type === "error" ? "problem" : message.type;
    this.dispatchEvent(new CustomEvent(name, { detail: message }));
  }

  #lost(socket) {
    if (socket !== this.socket) return;
    this.#drop();
    if (this.wanted) this.#waitAndRetry();
  }

  #waitAndRetry() {
    const wait = backoff(this.attempt);
    this.attempt += 1;
    this.retryTimer = setTimeout(() => this.#connect(), wait);
    this.dispatchEvent(new CustomEvent("lost", { detail: { retryAt: performance.now() + wait } }));
  }

  #drop() {
    clearTimeout(this.retryTimer);
    clearTimeout(this.helloTimer);
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    socket?.close();
  }
}
