// Ticks of a muster.  A tick shows at once and is kept in this device until the site has answered, since a car park's
// network comes and goes; the ticks of other people are fetched every few seconds.
"use strict";

const list = document.getElementById("muster");
const finder = document.getElementById("find");
const printer = document.getElementById("print");

printer.hidden = false;
printer.addEventListener("click", () => window.print());
finder.hidden = false;
finder.addEventListener("input", () => {
  const wanted = finder.value.trim().toLowerCase();
  for (const row of list ? list.children : []) row.hidden = !row.dataset.find.includes(wanted);
});
finder.form.addEventListener("submit", (event) => {
  if (document.activeElement === finder) event.preventDefault();
});
finder.form.querySelector("select").addEventListener("change", () => finder.form.submit());

if (list && list.dataset.muster) {
  const store = `muster-${list.dataset.muster}`;
  const waiting = document.getElementById("waiting");
  const met = document.getElementById("met");
  const load = () => JSON.parse(window.localStorage.getItem(store) || "{}");
  const save = (kept) => window.localStorage.setItem(store, JSON.stringify(kept));
  const rowOf = (key) => list.querySelector(`[data-key="${CSS.escape(key)}"]`);
  let changed = false;

  const show = (row, safe, by) => {
    row.classList.toggle("is-met", safe);
    const button = row.querySelector(".muster-tick");
    if (button) {
      button.setAttribute("aria-pressed", String(safe));
      row.querySelector("[name=safe]").value = safe ? "n" : "y";
    }
    row.querySelector("[data-by]").textContent = by;
    met.textContent = list.querySelectorAll(".is-met").length;
  };

  const tell = () => {
    const number = Object.keys(load()).length;
    waiting.hidden = number === 0 && !changed;
    waiting.textContent = number ? list.dataset.waiting.replace("{number}", number) : changed ? list.dataset.changed : "";
  };

  let sending = false;
  const send = async () => {
    if (sending) return;
    sending = true;
    try {
      for (const [key, tick] of Object.entries(load())) {
        const ago = Math.max(0, Math.round((Date.now() - tick.at) / 1000));
        const body = new URLSearchParams({ key, safe: tick.safe ? "y" : "n", ago });
        const answer = await site.json(list.dataset.tick, { method: "POST", body });
        if (!answer.ok && answer.status !== 409) break;
        const kept = load();
        if (kept[key] && kept[key].at === tick.at) delete kept[key];
        save(kept);
      }
    } catch {
      // No network: the tick waits in this device.
    }
    sending = false;
    tell();
  };

  list.addEventListener("submit", (event) => {
    event.preventDefault();
    const row = event.target.closest("[data-key]");
    const safe = row.querySelector("[name=safe]").value === "y";
    const kept = load();
    kept[row.dataset.key] = { safe, at: Date.now() };
    save(kept);
    show(row, safe, "");
    send();
  });

  const refresh = async () => {
    await send();
    const answer = await site.json(list.dataset.state);
    if (!answer.ok) throw new Error("no state");
    const now = await answer.json();
    const kept = load();
    for (const row of list.children) {
      const key = row.dataset.key;
      if (!(key in kept)) show(row, key in now.ticked, now.ticked[key] || "");
    }
    const shown = new Set([...list.children].map((row) => row.dataset.key));
    changed = String(now.muster) !== list.dataset.muster || now.rows.some((key) => !shown.has(key));
    tell();
  };

  for (const [key, tick] of Object.entries(load())) if (rowOf(key)) show(rowOf(key), tick.safe, "");
  window.addEventListener("online", () => refresh().catch(() => {}));
  site.every(5, refresh);
  send();
}
