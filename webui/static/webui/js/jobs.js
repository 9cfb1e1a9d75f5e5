/** Watching jobs over one shared connection to /ws/jobs/, which comes back by itself. */

import { gettext } from "./i18n.js";
import { backoff } from "./socket.js";

/** @type {Map<string, {kind: string, id: number, change: (job: object) => void, gone?: () => void, lost?: (isLost: boolean) => void}>} */
const watched = new Map();
/** @type {WebSocket | null} */
let socket = null;
let attempt = 0;
let retryTimer = 0;

const STATES = {
  queued: gettext("queued"),
  running: gettext("running"),
  succeeded: gettext("succeeded"),
  failed: gettext("failed"),
  cancelled: gettext("cancelled"),
};

/** @param {string} state of a job @returns {string} as people read it */
export function stateNamed(state) {
  return STATES[state] ?? state;
}

const key = (kind, id) => `${kind} ${id}`;

/**
 * Call `change` with the job as the API describes it, now and whenever it changes.
 * @param {string} kind "training-run", "batch", "dataset" @param {number} id
 * @param {(job: object) => void} change
 * @param {{gone?: () => void, lost?: (isLost: boolean) => void}} [also] `gone`: it is not there (any more); `lost`: the
 * connection was lost (true) and has come back (false)
 * @returns {() => void} stops watching
 */
export function watchJob(kind, id, change, { gone, lost } = {}) {
  watched.set(key(kind, id), { kind, id, change, gone, lost });
  if (socket?.readyState === WebSocket.OPEN) send("watch", kind, id);
  else if (!socket && !retryTimer) connect();
  return () => {
    watched.delete(key(kind, id));
    if (socket?.readyState === WebSocket.OPEN) send("unwatch", kind, id);
  };
}

function connect() {
  retryTimer = 0;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/jobs/`);
  socket.addEventListener("open", () => {
    for (const { kind, id, lost } of watched.values()) {
      send("watch", kind, id);
      if (attempt) lost?.(false);
    }
    attempt = 0;
  });
  socket.addEventListener("message", (event) => hear(JSON.parse(event.data)));
  socket.addEventListener("close", () => {
    socket = null;
    for (const { lost } of watched.values()) lost?.(true);
    retryTimer = setTimeout(connect, backoff(attempt));
    attempt += 1;
  });
}

function send(type, kind, id) {
  socket.send(JSON.stringify({ type, kind, id }));
}

function hear(message) {
  if (message.code === "not_signed_in") {
    location.reload(); // which leads to the page where one signs in
    return;
  }
  const watcher = watched.get(key(message.kind, message.id));
  if (message.type === "job") watcher?.change(message.job);
  if (message.type === "gone") {
    watched.delete(key(message.kind, message.id));
    watcher?.gone?.();
  }
}
