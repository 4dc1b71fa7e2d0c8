// Gives the kiosk's page out while there is no connection, so that a tablet that was started anew still
// takes PINs and badges.  Nothing in the page is about people.
"use strict";

const SHELL = [{% for name in assets %}{{ asset(name)|tojson }}, {% endfor %}];
const PAGE = {{ url_for("kiosk.page")|tojson }};
const KEPT = "kiosk " + SHELL.join(" "); // addresses change with their content
const PATIENCE = 5000; // ms

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

async function keep() {
  const cache = await caches.open(KEPT);
  const page = await fetch(PAGE);
  if (!page.ok || page.redirected) throw new Error("not paired any more");
  await cache.put(PAGE, page);
  await cache.addAll(SHELL);
}

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== self.location.origin) return;
  if (event.request.mode === "navigate" && address.pathname === PAGE) {
    event.respondWith(fetchPage(event.request));
  } else if (SHELL.includes(address.pathname + address.search)) {
    event.respondWith(caches.match(event.request).then((kept) => kept || fetch(event.request)));
  }
});

async function fetchPage(request) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status >= 500) throw new Error(String(answer.status));
    if (answer.status === 200) await cache.put(PAGE, answer.clone());
    return answer; // also the way to the pairing page, of a tablet that was revoked
  } catch (error) {
    const kept = await cache.match(PAGE);
    if (kept) return kept;
    throw error;
  }
}
