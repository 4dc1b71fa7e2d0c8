// What a person is asked to do before the camera: the drawing, the words, and the seconds that are left.
"use strict";

const challenge = {
  id: "", // of the challenge that is shown; a tablet sends it along with each picture
  declined: "", // of the last one that the person would not do; it is not shown again by an answer under way
  _until: 0,
  _whole: 1,
  _step: "",

  part: (name) => document.querySelector(`[data-${name}]`),

  show(reply) {
    const { part } = challenge;
    const fresh = challenge.id !== reply.challenge;
    challenge.id = reply.challenge;
    challenge._until = performance.now() + reply.left_ms;
    if (fresh) challenge._whole = Math.max(1, reply.left_ms / 1000);
    for (const drawing of document.querySelectorAll("[data-drawing]")) {
      drawing.toggleAttribute("hidden", drawing.dataset.drawing !== reply.step);
    }
    const step = `${reply.challenge} ${reply.number}`;
    if (challenge._step !== step) sound.ask();
    challenge._step = step;
    // A screen reader says what changes, so that the same words are not written again.
    const words = { "ask-words": reply.words, "ask-hint": reply.advice, "ask-number": filled(texts.stepOf, reply) };
    for (const [name, text] of Object.entries(words)) {
      if (part(name).textContent !== text) part(name).textContent = text;
    }
    part("decline").disabled = false;
    part("ask").hidden = false;
    document.body.classList.add("asking");
    challenge._tick();
  },

  hide() {
    challenge.id = challenge._step = "";
    challenge.part("ask").hidden = true;
    document.body.classList.remove("asking");
  },

  _tick() {
    if (!challenge.id) return;
    const left = Math.max(0, challenge._until - performance.now()) / 1000;
    challenge.part("ask-left").textContent = Math.ceil(left);
    challenge.part("ask-bar").style.width = `${Math.min(100, (100 * left) / challenge._whole)}%`;
    if (left === 0 && performance.now() - challenge._until > 3000) challenge.hide(); // nothing came any more
  },

  // The person prefers a PIN or badge.  → the answer to show, or null if the site did not take it.
  async decline() {
    const body = JSON.stringify({ challenge: challenge.id });
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-Kiosk": "1" };
    challenge.part("decline").disabled = true;
    challenge.declined = challenge.id;
    const answer = await fetch("/kiosk/decline", { method: "POST", body, headers }).catch(() => null);
    challenge.hide();
    return answer?.ok ? answer.json() : null;
  },
};

window.setInterval(challenge._tick, 200);
