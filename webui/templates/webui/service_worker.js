/** Keeps the site's own drawings and programs, and a page for times without a connection.
 *
 * Kept are static files with a hash in their name, which never change, and the page without a connection. Never kept
 * are pictures that people hand in, answers of the API and other pages, which may be those of somebody signed in.
 */

const CACHE = "hamster-{{ version }}";
const STATIC = "{{ static_prefix|escapejs }}";
const OFFLINE = "{{ offline|escapejs }}";
const SHELL = {{ shell|safe }};
const HASHED = /\.[0-9a-f]{12}\.\w+$/;

async function fillShell() {
  const cache = await caches.open(CACHE);
  // Nobody's cookies go along, so that what is kept is the same for everybody.
  await cache.addAll(SHELL.map((address) => new Request(address, { credentials: "omit", cache: "no-cache" })));
  await self.skipWaiting();
}

async function takeOver() {
  const old = (await caches.keys()).filter((name) => name.startsWith("hamster-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** A file that never changes: from the cache, else fetched once. A full disk keeps nobody from it.
 *  @param {Request} request */
async function fixed(request) {
  const cache = await caches.open(CACHE).catch(() => null);
  const kept = await cache?.match(request.url).catch(() => null);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && answer.status !== 206) {
    await cache?.put(request.url, answer.clone()).catch((error) => console.info("This is not kept.", error));
  }
  return answer;
}

/** Any other file of the shell, or a page: what the server says, and without one what is kept.
 *  @param {Request} request @param {string} instead */
async function fresh(request, instead) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(instead);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("install", (event) => event.waitUntil(fillShell()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(fresh(request, OFFLINE));
  else if (!pathname.startsWith(STATIC)) return;
  else if (HASHED.test(pathname)) event.respondWith(fixed(request));
  else if (SHELL.includes(pathname)) event.respondWith(fresh(request, pathname));
});
