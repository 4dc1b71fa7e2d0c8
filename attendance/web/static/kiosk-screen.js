// The screen beside a camera: shows each decision for some seconds as it comes (server-sent events).
"use strict";

(function () {
  const part = (name) => document.querySelector(`[data-${name}]`);
  const { dataset } = document.body;
  const time = new Intl.DateTimeFormat(dataset.locale, { hour: "2-digit", minute: "2-digit", timeZone: dataset.zone });
  const tick = () => (part("clock").textContent = time.format(Date.now()));
  tick();
  window.setInterval(tick, 1000);

  let resting = 0;
  const show = (state, words, advice = "", today = "") => {
    part("show").className = `show show-${state}`;
    part("mark").hidden = state === "idle" || state === "guide";
    part("mark").textContent = { greet: "✓", done: "✓", step_up: "…" }[state] || "✕";
    part("words").textContent = words;
    part("advice").textContent = advice;
    part("today").textContent = today ? filled(texts.today, { hours: today }) : "";
  };

  const rest = () => show("idle", texts.look);
  const display = (decision) => {
    if (decision.state === "challenge" && decision.challenge === challenge.declined) return;
    // The challenge is over: what followed from it, such as the wish for a PIN, may be shown already.
    if (decision.state === "idle" && !challenge.id) return;
    window.clearTimeout(resting);
    part("show").hidden = decision.state === "challenge";
    if (decision.state === "challenge") {
      challenge.show(decision);
      return;
    }
    challenge.hide();
    if (decision.state === "idle") {
      rest();
      return;
    }
    show(decision.state, decision.words, decision.advice, decision.today);
    if (decision.state !== "guide") ({ refused: sound.bad, step_up: sound.ask }[decision.state] || sound.good)();
    // Guidance stays until it changes: photos are being taken.  Who is asked for a PIN needs time to type it.
    if (decision.state !== "guide") resting = window.setTimeout(rest, decision.state === "step_up" ? 20000 : 8000);
  };

  part("decline").addEventListener("click", async () => {
    const answer = await challenge.decline();
    if (answer) display(answer);
  });

  // --- the stream: the browser opens it again by itself; this notices when that does not help -----------

  const link = (up) => {
    part("link").className = `link ${up ? "link-up" : "link-down"}`;
    const words = up ? texts.connected : texts.noConnection;
    if (part("link-words").textContent !== words) part("link-words").textContent = words;
  };

  let lost = 0;
  const listen = () => {
    const stream = new EventSource(dataset.stream);
    stream.onopen = () => {
      window.clearTimeout(lost);
      lost = 0;
      link(true);
    };
    stream.onmessage = (event) => display(JSON.parse(event.data));
    stream.addEventListener("gone", () => window.location.reload()); // revoked: the pairing page
    stream.onerror = () => {
      lost ||= window.setTimeout(() => link(false), 6000); // streams end now and then without a fault
      if (stream.readyState !== EventSource.CLOSED) return;
      window.setTimeout(async () => {
        const answer = await fetch("/kiosk/state", { headers: { Accept: "application/json" } }).catch(() => null);
        if (answer?.status === 401) window.location.reload();
        else listen();
      }, 5000);
    };
  };
  listen();

  const drawSound = () => {
    part("sound").textContent = sound.muted ? texts.soundOff : texts.soundOn;
  };
  part("sound").addEventListener("click", () => {
    sound.mute(!sound.muted);
    drawSound();
    sound.good();
  });
  drawSound();
  document.addEventListener("contextmenu", (event) => event.preventDefault());
})();
