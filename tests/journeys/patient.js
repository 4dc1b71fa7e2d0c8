// For tests on a busy computer: what the kiosk's pages give people some seconds for, they give PATIENT times as
// long.  The stopwatch (performance.now, the time of a key) runs slower, and long time-outs last longer; the
// time of day and the pauses of up to five seconds between two looks stay as they are.
"use strict";

(function () {
  const PATIENT = 6;
  const now = performance.now.bind(performance);
  performance.now = () => now() / PATIENT;
  const stamp = Object.getOwnPropertyDescriptor(Event.prototype, "timeStamp").get;
  Object.defineProperty(Event.prototype, "timeStamp", {
    configurable: true,
    get() {
      return stamp.call(this) / PATIENT;
    },
  });
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (ms) => timeout(ms * PATIENT);
  const later = window.setTimeout.bind(window);
  window.setTimeout = (step, ms = 0, ...given) => later(step, ms > 5000 ? ms * PATIENT : ms, ...given);
})();
