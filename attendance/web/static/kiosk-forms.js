// Pairing and leaving: forms that are sent with the kiosk's header and say at once what was wrong.
"use strict";

for (const form of document.querySelectorAll("form[data-post]")) {
  const said = form.querySelector(".said");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.textContent = "";
    try {
      const { status, reply } = await line.post(form.dataset.post, Object.fromEntries(new FormData(form)));
      if (status === 200) {
        window.location.replace(reply.page);
        return;
      }
      said.textContent = [reply.words, reply.advice].filter(Boolean).join(". ");
    } catch {
      said.textContent = texts.offline;
    }
  });
}

// The code of a scanned link follows #.
const code = document.getElementById("code");
if (code && window.location.hash.length > 1) {
  code.value = decodeURIComponent(window.location.hash.slice(1));
  history.replaceState(null, "", window.location.pathname);
}

const waiting = document.querySelector("[data-waiting]");
if (waiting) {
  queue
    .all()
    .then((records) => {
      if (!records.length) return;
      const count = records.length;
      waiting.textContent = filled(count === 1 ? texts.waitsOne : texts.waitsMany, { count });
      waiting.hidden = false;
    })
    .catch(() => {});
}
