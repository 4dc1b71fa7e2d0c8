// Keeps parts of a page fresh: [data-live="address"] is replaced by the address's answer, every
// [data-every] seconds, while anybody looks.  Also what all pages share: talking to the site.
"use strict";

const site = {
  token: document.querySelector('meta[name="csrf-token"]').content,
  leftAt: 0, // when the browser began to leave the page (or to fetch a file), in ms

  // A fetch that sends people who were signed out to the sign-in page.  Rejects when the site is gone.
  async ask(url, options = {}) {
    const headers = { "X-CSRFToken": site.token, ...(options.headers || {}) };
    let answer;
    try {
      answer = await fetch(url, { ...options, headers, credentials: "same-origin" });
    } catch (error) {
      if (error.name !== "AbortError") site.reachable(false);
      throw error;
    }
    site.reachable(answer.status !== 502 && answer.status !== 504);
    const away = answer.redirected && new URL(answer.url).pathname.endsWith("/login");
    if (answer.status === 401 || away) {
      // Somebody who just signs out is on the way already: a reload would lead back here after the next sign-in.
      if (Date.now() - site.leftAt > 10000) window.location.reload();
      return new Promise(() => {});
    }
    return answer;
  },

  json(url, options = {}) {
    return site.ask(url, { ...options, headers: { Accept: "application/json", ...(options.headers || {}) } });
  },

  reachable(yes) {
    document.getElementById("gone").hidden = yes;
  },

  // Calls step again and again while the page is looked at; a slow answer delays the next question.
  // After failures it asks less often, at most once in 30 seconds.
  every(seconds, step) {
    let failures = 0;
    const next = () => window.setTimeout(turn, 1000 * Math.min(30, seconds * 2 ** failures));
    const turn = async () => {
      if (!document.hidden) {
        try {
          await step();
          failures = 0;
        } catch {
          failures = Math.min(failures + 1, 6);
        }
      }
      next();
    };
    next();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) step().catch(() => {});
    });
  },
};

window.addEventListener("beforeunload", () => (site.leftAt = Date.now()));

for (const part of document.querySelectorAll("[data-live]")) {
  let shown = null;
  site.every(Number(part.dataset.every), async () => {
    // Marked, so that a page that nobody uses does not keep its reader signed in.
    const answer = await site.ask(part.dataset.live, { headers: { "X-Live": "1" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    // Replacing what is the same would only lose the reader's selection, ticks and the keyboard's place.  The token of
    // a form is another one each time.
    const content = html.replace(/name="csrf_token" value="[^"]*"/g, "");
    if (content === shown || part.contains(document.activeElement)) return;
    part.innerHTML = html;
    shown = content;
  });
}

for (const choice of document.querySelectorAll("select[data-submit]")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}
