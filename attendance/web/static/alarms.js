// New alarms: listed without a reload, and sounded by every open page of a browser whose sound is on.
// A browser lets a page sound only after somebody touched it; until then the button says that it waits.  A hidden page
// goes on asking, since whoever watches alarms has other pages, too.
"use strict";

(function () {
  const here = document.querySelector("[data-alarms]");
  if (!here) return;
  const list = document.querySelector("[data-alarm-list]");
  const said = document.querySelector("[data-alarm-said]");
  const least = document.querySelector("[data-alarm-least]");
  const state = document.querySelector("[data-alarm-state]");
  const buttons = document.querySelectorAll("[data-alarm-sound]");
  const EVERY = 5; // seconds
  const AGAIN = 60; // a security alarm that nobody acknowledges sounds again after so many seconds
  const DEAF = 4; // failures in a row until the page says by a tone that it hears nothing
  const RANK = { warning: 0, fault: 1, security: 2 };
  // [hertz, from, to] in seconds
  const TONES = {
    warning: [[440, 0, 0.3]],
    fault: [[520, 0, 0.2], [520, 0.28, 0.5]],
    security: [[880, 0, 0.18], [660, 0.2, 0.38], [880, 0.4, 0.58], [660, 0.6, 0.8]],
    deaf: [[330, 0, 0.3], [262, 0.32, 0.7]],
  };

  const kept = (key, usual) => {
    try {
      return window.localStorage.getItem(key) ?? usual;
    } catch {
      return usual;
    }
  };
  const keep = (key, value) => {
    try {
      window.localStorage.setItem(key, value);
    } catch {
      // a browser without storage: it holds for this page
    }
  };

  const Context = window.AudioContext;
  let on = kept("alarm sound", "off") === "on";
  let context = null;
  let heard = {}; // alarm → when it sounded last, in ms
  let announced = null;
  let shown = list?.dataset.key;
  let wokenAt = 0;
  let failures = 0;
  let asking = false;

  const running = () => context !== null && context.state === "running";

  const show = () => {
    const now = !Context ? "none" : !on ? "off" : running() ? "on" : "waits";
    if (state) state.textContent = here.dataset[now];
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(on && Boolean(Context)));
      button.toggleAttribute("data-waits", now === "waits");
      button.disabled = !Context;
      if ("alarmBell" in button.dataset) {
        button.hidden = !on || !Context;
        button.title = here.dataset[now];
      }
    }
  };

  // Comes back after a moment, too, if the browser waits for a click: its promise then stays open.
  const wake = async () => {
    show();
    if (!on || !Context) return;
    if (!context) {
      context = new Context();
      context.onstatechange = show;
    }
    const tried = context.state === "suspended" ? context.resume().catch(() => {}) : null;
    await Promise.race([tried, new Promise((done) => window.setTimeout(done, 300))]);
    show();
  };

  const play = (notes) => {
    const begin = context.currentTime;
    for (const [hertz, from, to] of notes) {
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.0001, begin + from);
      volume.gain.exponentialRampToValueAtTime(0.3, begin + from + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, begin + to);
      tone.connect(volume).connect(context.destination);
      tone.start(begin + from);
      tone.stop(begin + to);
    }
  };

  // Other open pages of this browser read what was heard, so that one alarm sounds once.
  const ring = (alarms) => {
    if (!on || !running()) return;
    try {
      heard = JSON.parse(kept("alarms heard", "{}"));
    } catch {
      heard = {};
    }
    const now = Date.now();
    const wanted = RANK[kept("alarm least", "warning")] ?? 0;
    const isDue = (one) =>
      !(one.id in heard) || (one.severity === "security" && Math.abs(now - heard[one.id]) >= 1000 * AGAIN);
    const due = alarms.filter((one) => (RANK[one.severity] ?? 2) >= wanted && isDue(one));
    const left = Object.fromEntries(alarms.filter((one) => one.id in heard).map((one) => [one.id, heard[one.id]]));
    for (const one of due) left[one.id] = now;
    heard = left;
    keep("alarms heard", JSON.stringify(heard));
    if (due.length) play(TONES[due.sort((a, b) => RANK[b.severity] - RANK[a.severity])[0].severity] ?? TONES.security);
  };

  // The keyboard's place stays in the row of the same alarm.
  const renew = (rows, key) => {
    if (!list || key === shown) return;
    const row = list.contains(document.activeElement) ? document.activeElement.closest("[data-alarm]") : null;
    list.innerHTML = rows;
    shown = key;
    if (row) list.querySelector(`[data-alarm="${CSS.escape(row.dataset.alarm)}"] button`)?.focus();
  };

  const announce = (alarms) => {
    const fresh = announced === null ? [] : alarms.filter((one) => !announced.has(one.id));
    announced = new Set(alarms.map((one) => one.id));
    if (said && fresh.length) said.textContent = fresh.map((one) => one.words).join(". ");
  };

  const signedOut = () => {
    if (!on) {
      window.location.reload();
      return;
    }
    here.hidden = false;
    if (running()) play(TONES.deaf);
  };

  // Returns whether there is anything left to ask.
  const look = async () => {
    const answer = await fetch(here.dataset.alarms, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (answer.status === 401) {
      signedOut();
      return false;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const now = await answer.json();
    renew(now.rows, now.key);
    announce(now.sounding);
    ring(now.sounding);
    here.dataset.asked = String(1 + Number(here.dataset.asked || 0)); // the journeys wait for it
    return true;
  };

  const turn = async () => {
    asking = true;
    if (!list && !on) {
      asking = false;
      return;
    }
    try {
      if (!(await look())) return;
      failures = 0;
    } catch {
      failures += 1;
      if (failures === DEAF && on && running()) play(TONES.deaf);
    }
    site.reachable(failures === 0);
    window.setTimeout(turn, 1000 * EVERY);
  };

  for (const button of buttons) {
    button.addEventListener("click", async () => {
      if (on && Date.now() - wokenAt < 1000) {
        await wake();
        if (running()) return; // this click let a waiting page sound
      }
      on = !on;
      keep("alarm sound", on ? "on" : "off");
      await wake();
      if (on && running()) play(TONES.warning); // so that it is heard how loud it is
      if (on && !asking) turn();
    });
  }
  if (least) {
    least.value = kept("alarm least", "warning");
    least.addEventListener("change", () => keep("alarm least", least.value));
  }
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(
      kind,
      () => {
        if (!on || running()) return;
        wokenAt = Date.now();
        wake();
      },
      { passive: true },
    );
  }
  for (const controls of document.querySelectorAll("[data-alarm-controls]")) controls.hidden = false;
  wake();
  turn();
})();
