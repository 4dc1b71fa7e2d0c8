// The kiosk's line to the server, and what waits while it is down.
//
// Each PIN or badge becomes an event with its own id (UUIDv7, whose time is the event's time) and is
// sealed to the server's public key as soon as it is typed.  It is put into the browser's database first
// and taken out when the server has answered, so that it arrives at least once; the server records an id
// once only.  Together: exactly once, also when an answer is lost or the tablet is switched off.
"use strict";

class LineDown extends Error {
  // `status`: of the answer; 0 when nobody answered, and only then the line itself is down.
  constructor(words, status = 0) {
    super(words);
    this.status = status;
  }
}

const line = {
  patience: 8000, // ms

  // → { status, reply }.  LineDown if nobody answered, or an answer that decides nothing (a proxy, a full disk).
  async ask(address, { method = "GET", body = null, type = "application/json" } = {}) {
    const headers = { Accept: "application/json" };
    if (method === "POST") {
      headers["X-Kiosk"] = "1";
      headers["Content-Type"] = type;
    }
    let answer = null;
    let reply;
    try {
      const signal = AbortSignal.timeout(line.patience);
      answer = await fetch(address, { method, headers, body, signal, credentials: "same-origin", cache: "no-store" });
      reply = await answer.json();
    } catch (error) {
      throw new LineDown(error.message, answer?.status >= 500 ? answer.status : 0);
    }
    if (answer.status >= 500) throw new LineDown(String(answer.status), answer.status);
    if (answer.status === 401) {
      window.location.replace("/kiosk/pair"); // what waits stays in this browser until it is paired again
      await new Promise(() => {});
    }
    return { status: answer.status, reply };
  },

  post(address, value) {
    return line.ask(address, { method: "POST", body: JSON.stringify(value) });
  },
};

// --- time and ids -------------------------------------------------------------------------------------

const clock = {
  // The server's clock less this tablet's, ms: tablets' clocks are often wrong.
  ahead: Number(localStorage.getItem("kiosk ahead")) || 0,
  // What the server said last, and when by a clock that nobody can set; null until it was asked.
  known: null,

  now: () => (clock.known ? clock.known.at + performance.now() - clock.known.since : Date.now() + clock.ahead),

  learn(theirs, asked, answered) {
    clock.ahead = Math.round(theirs - (asked + answered) / 2);
    clock.known = { at: theirs + (answered - asked) / 2, since: performance.now() };
    localStorage.setItem("kiosk ahead", String(clock.ahead));
  },

  // Whether this tablet's clock was set, or the tablet slept, since the server was asked: then neither clock is sure.
  jumped: () => clock.known !== null && Math.abs(Date.now() + clock.ahead - clock.now()) > 120000,
};

// The tablet's own count of its events: one out of order shows a clock that went back.
const numbering = {
  next() {
    let counter = localStorage.getItem("kiosk counter");
    if (!/^[0-9a-f]{8}$/.test(counter || "")) {
      counter = [...crypto.getRandomValues(new Uint8Array(4))].map((one) => one.toString(16).padStart(2, "0")).join("");
      localStorage.setItem("kiosk counter", counter);
    }
    const sequence = (Number(localStorage.getItem("kiosk sequence")) || 0) + 1;
    localStorage.setItem("kiosk sequence", String(sequence));
    return { counter, sequence, jumped: clock.jumped() };
  },
};

function newEventId(ms) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let place = 5, rest = Math.floor(ms); place >= 0; place -= 1, rest = Math.floor(rest / 256)) {
    bytes[place] = rest % 256;
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

const eventTime = (id) => new Date(parseInt(id.replace("-", "").slice(0, 12), 16));

// --- sealing: as attendance/service/kiosk/sealed_events.py ------------------------------------------------------

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

const seal = {
  // Browsers seal, as they give the camera, on https and on this computer only.
  works: Boolean(window.crypto?.subtle),

  async event(said, id, publicKey) {
    const raw = Uint8Array.from(atob(publicKey), (letter) => letter.charCodeAt(0));
    const curve = { name: "ECDH", namedCurve: "P-256" };
    const text = new TextEncoder();
    const theirs = await crypto.subtle.importKey("raw", raw, curve, false, []);
    const ours = await crypto.subtle.generateKey(curve, false, ["deriveBits"]);
    const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, ours.privateKey, 256);
    const base = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
    const info = text.encode("attendance kiosk event v1");
    const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info };
    const key = await crypto.subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    const gcm = { name: "AES-GCM", iv: nonce, additionalData: text.encode(id) };
    const sealed = await crypto.subtle.encrypt(gcm, key, text.encode(JSON.stringify(said)));
    const point = await crypto.subtle.exportKey("raw", ours.publicKey);
    return base64(new Uint8Array([...new Uint8Array(point), ...nonce, ...new Uint8Array(sealed)]));
  },
};

// --- what waits ---------------------------------------------------------------------------------------

// Records: { id, sealed, hold, stuck, tried, undo }.  `hold`: not to be sent before (ms); `stuck`: the server
// cannot read it; `tried`: the server may have it; `undo`: not to be sent any more, but to be taken back there.
const queue = {
  base: null,

  open() {
    queue.base ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("kiosk", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("events", { keyPath: "id" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return queue.base;
  },

  async work(mode, step) {
    const base = await queue.open();
    return new Promise((resolve, reject) => {
      // strict: on the disk before the page shows that it is noted
      const turn = base.transaction("events", mode, { durability: "strict" });
      const request = step(turn.objectStore("events"));
      turn.oncomplete = () => resolve(request.result);
      turn.onabort = turn.onerror = () => reject(turn.error);
    });
  },

  put: (record) => queue.work("readwrite", (events) => events.put(record)),
  take: (id) => queue.work("readwrite", (events) => events.delete(id)),
  all: () => queue.work("readonly", (events) => events.getAll()),

  // `step` makes the new record of the old one, null takes it out; nothing comes between.
  // → the record as it was; undefined when it was gone, and nothing is done.
  change(id, step) {
    return queue.work("readwrite", (events) => {
      const request = events.get(id);
      request.onsuccess = () => {
        if (!request.result) return;
        const made = step(request.result);
        if (made) events.put(made);
        else events.delete(id);
      };
      return request;
    });
  },
};
