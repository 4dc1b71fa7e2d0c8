// Choosing rows of a long table: all on a page, all that a search found, and some on each of several pages.
// What was chosen on other pages is kept in this tab until the form is sent; without a script each page is one choice.
"use strict";

for (const bar of document.querySelectorAll("[data-chosen]")) {
  const id = bar.dataset.chosen;
  const form = document.getElementById(id);
  const key = `chosen:${window.location.pathname}:${id}`;
  const boxes = [...document.querySelectorAll(`input[type="checkbox"][form="${id}"]:not([name="every"])`)];
  const every = bar.querySelector('input[name="every"]');
  const words = bar.querySelector(".chosen-words");
  const none = bar.querySelector("[data-choose-none]");
  const pages = [...document.querySelectorAll(`[data-choose-page="${id}"]`)];

  const kept = (name, value) => {
    try {
      if (value !== undefined) window.sessionStorage.setItem(name, JSON.stringify(value));
      return JSON.parse(window.sessionStorage.getItem(name));
    } catch {
      return null; // a browser without storage: the choice is that of this page
    }
  };
  const write = (values) => kept(key, [...values]);
  // Sent and done: what was chosen for it is forgotten.
  if (kept(`${key}:sent`) && document.querySelector(".notice-success")) write([]);
  kept(`${key}:sent`, false);
  const chosen = new Set(kept(key) || []);

  const show = () => {
    const here = boxes.filter((box) => box.checked).length;
    const elsewhere = chosen.size - here;
    for (const box of boxes) box.disabled = every.checked;
    for (const page of pages) {
      page.disabled = every.checked;
      if (page.type !== "checkbox") continue;
      page.checked = every.checked || (here > 0 && here === boxes.length);
      page.indeterminate = !every.checked && here > 0 && here < boxes.length;
    }
    const text = elsewhere > 0 ? bar.dataset.elsewhere : bar.dataset.words;
    words.textContent = every.checked ? "" : text.replace("{number}", chosen.size).replace("{elsewhere}", elsewhere);
    none.hidden = every.checked || !chosen.size;
    bar.classList.toggle("some", every.checked || chosen.size > 0);
  };
  const put = (box, on) => {
    box.checked = on;
    if (on) chosen.add(box.value);
    else chosen.delete(box.value);
  };

  for (const box of boxes) {
    box.checked = chosen.has(box.value);
    box.addEventListener("change", () => {
      put(box, box.checked);
      write(chosen);
      show();
    });
  }
  for (const page of pages) {
    page.hidden = false;
    page.addEventListener(page.type === "checkbox" ? "change" : "click", () => {
      const on = page.type === "checkbox" ? page.checked : !boxes.every((box) => box.checked);
      for (const box of boxes) put(box, on);
      write(chosen);
      show();
    });
  }
  every.addEventListener("change", show);
  none.addEventListener("click", () => {
    chosen.clear();
    for (const box of boxes) box.checked = false;
    write(chosen);
    show();
  });
  form.addEventListener("submit", () => {
    for (const old of form.querySelectorAll("[data-elsewhere]")) old.remove();
    const here = new Set(boxes.map((box) => box.value));
    for (const value of every.checked ? [] : chosen) {
      if (here.has(value)) continue;
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = boxes[0]?.name || "person";
      field.value = value;
      field.dataset.elsewhere = "";
      form.append(field);
    }
    kept(`${key}:sent`, true);
  });
  show();
}
