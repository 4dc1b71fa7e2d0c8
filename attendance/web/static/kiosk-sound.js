// Short tones, made on the spot; a switch on the page silences them for good.
"use strict";

const sound = {
  context: null,
  muted: localStorage.getItem("kiosk muted") === "yes",

  // Browsers let a page sound only after somebody touched it.
  wake() {
    const Context = window.AudioContext;
    if (!Context) return;
    sound.context ??= new Context();
    if (sound.context.state === "suspended") sound.context.resume().catch(() => {});
  },

  // notes: [hertz, from, to] in seconds
  play(notes) {
    if (sound.muted || sound.context?.state !== "running") return;
    const begin = sound.context.currentTime;
    for (const [hertz, from, to] of notes) {
      const tone = sound.context.createOscillator();
      const volume = sound.context.createGain();
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.0001, begin + from);
      volume.gain.exponentialRampToValueAtTime(0.25, begin + from + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, begin + to);
      tone.connect(volume).connect(sound.context.destination);
      tone.start(begin + from);
      tone.stop(begin + to);
    }
  },

  good: () => sound.play([[660, 0, 0.16], [880, 0.13, 0.38]]),
  ask: () => sound.play([[660, 0, 0.14], [660, 0.2, 0.34]]),
  bad: () => sound.play([[240, 0, 0.22], [180, 0.2, 0.5]]),

  mute(yes) {
    sound.muted = yes;
    localStorage.setItem("kiosk muted", yes ? "yes" : "no");
  },
};

for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, sound.wake, { passive: true });
