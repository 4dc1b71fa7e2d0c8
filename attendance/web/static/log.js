// The live log: asks for rows since the newest one shown, puts them where their ids belong (ids sort by
// time), replaces those that changed.  On wide screens the filter is always open.
"use strict";

(function () {
  const fold = document.querySelector("[data-fold]");
  const wide = window.matchMedia("(min-width: 768px)");
  if (wide.matches) fold.open = true;

  const log = document.querySelector("[data-log]");
  if (!("follow" in log.dataset)) return;
  const table = log.querySelector("table");
  const body = log.querySelector("tbody");
  const words = document.querySelector("[data-live-words]");
  const MOST = 300;

  const row = (html) => {
    const parts = document.createElement("template");
    parts.innerHTML = html.trim();
    return parts.content.firstElementChild;
  };

  const put = (id, html) => {
    const made = row(html);
    for (const shown of body.children) {
      if (shown.dataset.id === id) {
        if (shown.outerHTML !== made.outerHTML) shown.replaceWith(made);
        return;
      }
      if (shown.dataset.id < id) {
        made.classList.add("fresh");
        shown.before(made);
        return;
      }
    }
    // Older than everything shown: it belongs to a later page, unless nothing is shown at all.
    if (!body.children.length) body.append(made);
  };

  site.every(2, async () => {
    const address = new URL(log.dataset.rows, window.location.href);
    const newest = body.firstElementChild;
    if (newest) address.searchParams.set("after", newest.dataset.id);
    try {
      const answer = await site.json(address);
      if (!answer.ok) throw new Error(String(answer.status));
      // Oldest first, so that each is newer than the rows below it.
      for (const entry of (await answer.json()).rows.reverse()) put(entry.id, entry.html.trim());
      words.textContent = words.dataset.upToDate;
    } catch (error) {
      words.textContent = words.dataset.stale;
      throw error;
    } finally {
      if (body.children.length) {
        table.hidden = false;
        log.querySelector("[data-empty]")?.remove();
      }
      while (body.children.length > MOST) body.lastElementChild.remove();
    }
  });
})();
