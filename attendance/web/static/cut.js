// On a narrow screen a long table shows its first rows and a button for the rest; site.css hides them: a dozen of
// cards, 25 of a report.  Nothing is hidden on wide screens, in print, without a script, where the address points into
// the table, or where every row counts (`data-whole`).
"use strict";

(function () {
  const words = document.querySelector("[data-cut-words]");
  for (const table of document.querySelectorAll("table.table-stack, table.report-table:not([data-whole])")) {
    const few = table.classList.contains("report-table") ? 25 : 12; // as site.css says
    const rows = table.tBodies[0] ? table.tBodies[0].rows.length : 0;
    if (rows <= few + 3 || table.querySelector(":target")) continue; // for three more it would only be in the way
    const more = words.content.firstElementChild.cloneNode(true);
    more.textContent = more.textContent.replace("{number}", rows);
    more.addEventListener("click", () => {
      const next = table.tBodies[0].rows[few].querySelector("a, button, input");
      table.classList.remove("cut");
      more.remove();
      next?.focus({ preventScroll: true }); // whoever reads by keyboard goes on where the rows go on
    });
    table.classList.add("cut");
    (table.closest(".wide") || table).after(more);
  }
})();
