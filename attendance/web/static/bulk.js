// Bulk enrolment: sends files in pieces, so that none is too large for the site, and shows how far the work is.
"use strict";

(function () {
  const PIECE = 1024 * 1024;
  const part = document.querySelector("[data-bulk]");
  const form = document.querySelector("[data-send]");

  // While something runs, ask once a second; when it is done the whole page has changed.
  if (part && part.hasAttribute("data-busy")) {
    let over = false;
    const stageOf = (root) => root.querySelector("[data-stage]")?.dataset.stage;
    site.every(1, async () => {
      if (over) return;
      const answer = await site.ask(part.dataset.bulk);
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = document.createElement("div");
      fresh.innerHTML = await answer.text();
      if (["judging", "enrolling"].includes(stageOf(fresh))) {
        if (!part.contains(document.activeElement)) part.innerHTML = fresh.innerHTML;
        return;
      }
      over = true;
      window.location.reload();
    });
  }

  if (!form) return;
  const input = form.querySelector("#files");
  const go = form.querySelector("[data-go]");
  const sending = form.querySelector("[data-sending]");
  const bar = sending.querySelector("progress");
  const sent = form.querySelector("[data-sent]");
  const trouble = form.querySelector("[data-trouble]");

  const say = (words) => {
    trouble.textContent = words;
    trouble.hidden = !words;
    if (words) {
      sending.hidden = true;
      go.disabled = false;
    }
  };

  const sendPiece = async (file, offset) => {
    const data = new FormData();
    data.append("name", file.name);
    data.append("offset", String(offset));
    data.append("piece", file.slice(offset, offset + PIECE), "piece");
    const answer = await site.json(form.dataset.piece, { method: "POST", body: data });
    const reply = await answer.json().catch(() => null);
    if (!reply?.ok) throw new Error(reply?.words || form.dataset.textUnclear);
    return reply.size;
  };

  form.addEventListener("submit", async (event) => {
    const files = [...input.files];
    if (!files.length) return; // the site says what is missing
    event.preventDefault();
    const total = files.reduce((sum, file) => sum + file.size, 0);
    if (total > Number(form.dataset.mostMb) * 1024 * 1024) return say(form.dataset.textTooLarge);
    const words = form.querySelector("#consent").value.trim();
    const agreed = form.querySelector("#agreed").checked;
    if (words && !agreed) return say(form.dataset.textTick);
    if (agreed && !words) return say(form.dataset.textWords);
    say("");
    go.disabled = true;
    sending.hidden = false;
    let before = 0;
    try {
      await site.json(form.dataset.piece.replace(/piece$/, "clear"), { method: "POST", body: new FormData() });
      for (const file of files) {
        let offset = 0;
        do {
          offset = await sendPiece(file, offset);
          bar.value = total ? (before + offset) / total : 1;
          sent.textContent = form.dataset.textSent
            .replace("{sent}", Math.round((before + offset) / 104857.6) / 10)
            .replace("{total}", Math.round(total / 104857.6) / 10);
        } while (offset < file.size);
        before += file.size;
      }
    } catch (error) {
      return say(error.message === "Failed to fetch" ? form.dataset.textOffline : error.message);
    }
    input.disabled = true; // the pieces are there already
    const mark = document.createElement("input");
    mark.type = "hidden";
    mark.name = "in_pieces";
    mark.value = "yes";
    form.append(mark);
    form.submit();
  });
})();
