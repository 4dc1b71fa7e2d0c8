// The kiosk's page: what the camera sees goes to the server picture by picture; a number with its PIN, or a
// badge, as a sealed event that may wait for the connection (kiosk-line.js).  The server's answer is shown
// large, asks which way when the rules are in doubt, and can be undone while the person is still there.
"use strict";

(function () {
  const part = (name) => document.querySelector(`[data-${name}]`);
  const { dataset } = document.body;
  const number = document.getElementById("number");
  const pin = document.getElementById("pin");
  const bothWays = dataset.direction === "unknown";
  let key = dataset.key;

  const time = new Intl.DateTimeFormat(dataset.locale, { hour: "2-digit", minute: "2-digit", timeZone: dataset.zone });
  const tick = () => {
    part("clock").textContent = time.format(clock.now());
  };
  tick();
  window.setInterval(tick, 1000);

  // --- the line, and what waits -----------------------------------------------------------------------

  let up = null; // not known yet
  let waiting = 0;
  let polledAt = 0;
  let newsUntil = 0; // while a banner says something that the state of the line must not wipe away

  const banner = (words, good = false, close = false) => {
    part("banner").hidden = !words;
    if (part("banner-words").textContent !== words) part("banner-words").textContent = words;
    part("banner").classList.toggle("banner-good", good);
    part("banner-close").hidden = !close;
  };

  const showLine = () => {
    part("link").className = `link ${up ? "link-up" : "link-down"}`;
    const some = waiting ? ` · ${filled(texts.waiting, { count: waiting })}` : "";
    const words = (up ? texts.connected : texts.noConnection) + some;
    if (part("link-words").textContent !== words) part("link-words").textContent = words;
    if (Date.now() < newsUntil) return;
    if (up) banner("");
    else if (!seal.works) banner(texts.bannerNothing);
    else banner(texts.bannerKept);
  };

  const setLine = (now) => {
    if (now === up) return;
    up = now;
    showLine();
  };

  // A fault of the server (or "not so fast") does not mean that the line is down: other check-ins may still get through.
  const failed = (error) => {
    if (error instanceof LineDown && !error.status) setLine(false);
  };

  const count = async () => {
    const records = await queue.all().catch(() => []);
    waiting = records.filter((record) => !record.stuck).length;
    showLine();
    return records;
  };

  // → the server's answer; the record is gone from the queue when it is final.  What the server answers with a
  // fault is asked again in a minute, and holds up nobody else's.
  const send = async (record) => {
    const keep = (changes) => queue.change(record.id, (kept) => ({ ...kept, ...changes })).catch(() => {});
    const hold = Date.now() + 60000;
    try {
      const { status, reply } = await line.post("/kiosk/event", { event: record.id, sealed: record.sealed });
      if (status === 429) throw new LineDown("busy", status);
      if (status === 200 && reply.state !== "later") {
        await queue.take(record.id).catch(() => {}); // sent again it counts once, too
        return reply;
      }
      // Locked for some minutes, so that it is asked again; or sealed for another server, kept for somebody to look at.
      await keep({ hold, stuck: status !== 200 });
      return status === 200 ? reply : { state: "refused", words: reply.words, advice: reply.advice };
    } catch (error) {
      if (error.status) await keep({ hold });
      throw error;
    }
  };

  // → the server's answer to an undo.  `state` "unknown": it has no such check-in; "late": it may have one, to stay.
  const takeBack = async (record) => {
    try {
      const { status, reply } = await line.post("/kiosk/undo", { event: record.id });
      if (status === 429) throw new LineDown("busy", status);
      await queue.take(record.id);
      if (status === 200) return reply;
      const fresh = clock.now() - eventTime(record.id).getTime() < 55000;
      return { ...reply, state: fresh ? "unknown" : "late" };
    } catch (error) {
      if (error.status) await queue.change(record.id, (kept) => ({ ...kept, hold: Date.now() + 60000 }));
      throw error;
    }
  };

  let sending = null; // the event that is on its way
  const flushOne = async (id) => {
    const record = await queue.change(id, (kept) => ({ ...kept, tried: true }));
    if (!record) return null; // taken back meanwhile
    if (record.undo) return takeBack(record);
    sending = send(record);
    return sending;
  };

  let flushing = false;
  const flush = async () => {
    if (flushing) return;
    flushing = true;
    let sent = 0;
    let refused = "";
    try {
      for (const { id, stuck, hold } of await count()) {
        if (stuck || hold > Date.now()) continue;
        const reply = await flushOne(id).catch((error) => {
          if (!error.status) throw error;
          return null;
        });
        const when = time.format(eventTime(id));
        if (reply?.state === "late") refused = filled(texts.undoTooLate, { time: when });
        if (!["greet", "refused", "step_up"].includes(reply?.state)) continue;
        sent += 1;
        if (reply.state !== "greet") refused = filled(texts.waitedRefused, { time: when, reason: reply.words });
      }
    } catch (error) {
      failed(error); // the rest goes on waiting
    } finally {
      flushing = false;
    }
    if (sent || refused) {
      const words = refused || filled(sent === 1 ? texts.sentOne : texts.sentMany, { count: sent });
      newsUntil = Date.now() + (refused ? 3600000 : 12000);
      banner(words, !refused, true);
    }
    await count();
  };

  part("banner-close").addEventListener("click", () => {
    newsUntil = 0;
    showLine();
  });

  const poll = async () => {
    polledAt = performance.now();
    try {
      const asked = Date.now();
      const { status, reply } = await line.ask("/kiosk/state");
      if (status === 200) {
        clock.learn(reply.now, asked, Date.now());
        key = reply.key;
        setLine(true);
      }
    } catch {
      setLine(false);
    }
  };

  const keepLine = async () => {
    // Also while pictures get through: by its answers the clock is kept right.
    if (!up || waiting || performance.now() - polledAt > 10000) await poll();
    if (up && waiting) await flush();
    else showLine();
    window.setTimeout(keepLine, 3000);
  };
  window.addEventListener("offline", () => setLine(false));
  window.addEventListener("online", () => poll().then(() => up && flush()));

  // --- the answer -------------------------------------------------------------------------------------

  const dialog = part("answer");
  let shown = null; // { undo, choose, closed, name, left, until, closeAt } of the dialog; `left`: that person is gone
  let lastDone = null; // what may still be undone for some seconds after the dialog was closed

  // One number of seconds for the button in the dialog and the one after it; no more, as the next in the row is not to
  // undo it.  The site takes an undo for longer, so that a slow line does not lose one.
  const UNDO_S = 15;
  const secondsLeft = (until) => Math.max(0, Math.round((until - performance.now()) / 1000));

  const open = (reply, { undo = null, choose = null, closed = null, mark = "✓" } = {}) => {
    if (shown) close();
    const until = performance.now() + 1000 * Math.min(reply.undo || 0, UNDO_S);
    shown = { undo, choose, closed, name: reply.name, until, closeAt: performance.now() + 1000 * (reply.ask ? 16 : 7) };
    part("mark").textContent = mark;
    part("mark").classList.toggle("mark-wait", mark !== "✓");
    part("words").textContent = reply.words;
    part("advice").textContent = reply.advice;
    part("today").hidden = !reply.today;
    part("today").textContent = reply.today ? filled(texts.today, { hours: reply.today }) : "";
    part("choices").hidden = !reply.ask || !choose;
    part("answer-said").textContent = "";
    part("undo").hidden = !undo;
    lastDone = null;
    drawLeft();
    if (!dialog.open) dialog.showModal();
    part("words").focus();
    part("mark").scrollIntoView();
    clearForm();
    (reply.ask ? sound.ask : sound.good)();
  };

  const close = () => {
    if (!shown) return;
    const was = shown;
    shown = null;
    if (was.undo && !was.left) lastDone = { ...was };
    was.closed?.();
    if (dialog.open) dialog.close();
    drawLeft();
    number.focus();
  };

  const drawLeft = () => {
    if (shown?.undo) {
      part("undo-left").textContent = filled(texts.seconds, { count: secondsLeft(shown.until) });
      part("undo").hidden = secondsLeft(shown.until) === 0;
    }
    const left = lastDone ? secondsLeft(lastDone.until) : 0;
    if (!left) lastDone = null;
    part("undo-last").hidden = !left;
    part("undo-last-left").textContent = filled(texts.seconds, { count: left });
  };
  // Who checked in last is gone, or somebody else is there.
  const withdraw = () => {
    if (shown) shown.left = true;
    lastDone = null;
    drawLeft();
  };
  window.setInterval(() => {
    drawLeft();
    if (shown && performance.now() > shown.closeAt) close();
  }, 500);

  for (const kind of ["keydown", "pointerdown"]) {
    dialog.addEventListener(kind, () => {
      if (shown) shown.closeAt = Math.max(shown.closeAt, performance.now() + 10000);
    });
  }
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  part("done").addEventListener("click", close);

  // A button of the dialog: what it does is shown in the dialog, and so is why it could not be done.
  const act = async (step) => {
    const buttons = dialog.querySelectorAll("button");
    buttons.forEach((button) => (button.disabled = true));
    try {
      const reply = await step();
      if (reply?.state) {
        if (reply.state === "done") lastDone = null;
        const again = reply.undo > 0 ? handlers(reply) : {};
        open(reply, again);
        shown.closeAt = performance.now() + 5000;
      } else if (reply) {
        part("answer-said").textContent = `${reply.words}. ${reply.advice || ""}`;
        sound.bad();
      }
    } catch (error) {
      failed(error);
      part("answer-said").textContent = error.status ? texts.serverCannot : texts.lineCannot;
      sound.bad();
    } finally {
      buttons.forEach((button) => (button.disabled = false));
    }
  };

  const handlers = (reply) => ({
    undo: async () => (await line.post("/kiosk/undo", { event: reply.event })).reply,
    choose: async (choice) => (await line.post("/kiosk/direction", { event: reply.event, choice })).reply,
  });

  for (const button of dialog.querySelectorAll("[data-choice]")) {
    button.addEventListener("click", () => shown?.choose && act(() => shown.choose(button.dataset.choice)));
  }
  part("undo").addEventListener("click", () => shown?.undo && act(shown.undo));
  part("undo-last").addEventListener("click", () => {
    const was = lastDone;
    if (!was) return;
    const asked = { words: texts.undoLast, advice: "", undo: secondsLeft(was.until), name: was.name };
    open(asked, { undo: was.undo, mark: "?" });
    act(was.undo);
  });

  const greet = (reply) => {
    askedUntil = askedUntil && 1; // what was asked for came
    open(reply, reply.event ? handlers(reply) : {});
  };

  // --- number and PIN, badge --------------------------------------------------------------------------

  let said = "";
  let typedAt = 0;
  let active = number;
  const typing = () => Boolean(number.value || pin.value);

  const say = (words, advice = "") => {
    const box = part("said");
    box.replaceChildren();
    said = words;
    if (!words) return;
    const strong = document.createElement("strong");
    strong.textContent = words;
    box.append(strong, advice);
  };

  // A scanner types like a keyboard, whose layout may not be the computer's: the hyphen is not relied on.
  const badgeOf = (text) => {
    const match = /^ATT.?([A-Z2-7]{24})$/i.exec(text.trim());
    return match ? `ATT-${match[1].toUpperCase()}` : null;
  };

  const drawGo = () => {
    const ready = badgeOf(number.value) || pin.value || active === pin;
    part("go").textContent = ready ? texts.checkIn : texts.next;
  };

  function clearForm() {
    number.value = pin.value = "";
    number.setAttribute("inputmode", "none");
    active = number;
    say("");
    drawGo();
  }

  // Dropped here when it was never sent.  Otherwise the server may have it, and is to take it back; until it
  // answers, the undo waits in the event's place.
  const undoKept = async (record) => {
    const undone = (advice) => ({ state: "done", words: texts.undone, advice });
    const before = await queue.change(record.id, (kept) => (kept.tried ? { ...kept, undo: true } : null));
    if (before && !before.tried) return undone(texts.notSent);
    await sending?.catch(() => {});
    try {
      const reply = await takeBack(record);
      if (reply.state === "unknown" && before) return undone(texts.notCounted);
      return reply.state === "done" ? reply : { words: reply.words, advice: reply.advice };
    } catch (error) {
      failed(error);
      await queue.put({ ...record, tried: true, undo: true, hold: error.status ? Date.now() + 60000 : 0 });
      return { state: "noted", words: texts.undoNoted, advice: texts.undoLater };
    }
  };

  // `fault`: the server answered, but could not take it.
  const offline = (record, what, fault) => {
    const when = time.format(eventTime(record.id));
    const reply = {
      words: texts.noted,
      advice: filled(fault ? texts.keptFault : texts.keptOffline, { time: when }),
      ask: bothWays,
      undo: UNDO_S,
    };
    open(bothWays ? { ...reply, advice: `${reply.advice} ${texts.whichWay}` } : reply, {
      mark: "…",
      undo: () => undoKept(record).finally(count),
      choose: async (choice) => {
        const sealed = await seal.event({ ...what, say: choice }, record.id, key);
        const before = await queue.change(record.id, (kept) => ({ ...kept, sealed }));
        if (!before) return (await line.post("/kiosk/direction", { event: record.id, choice })).reply; // sent meanwhile
        const advice = { in: texts.inLater, out: texts.outLater, break: texts.breakLater }[choice];
        return { state: "noted", words: texts.noted, advice: filled(advice, { time: when }) };
      },
      closed: async () => {
        // From now on it may be sent; what it says does not change any more.
        if (!fault) await queue.change(record.id, (kept) => ({ ...kept, hold: 0 }));
        count();
      },
    });
    count();
  };

  const inClear = async (id, what) => {
    const { status, reply } = await line.post("/kiosk/event", { event: id, said: what });
    return status === 200 ? reply : { state: "refused", words: reply.words, advice: reply.advice };
  };

  const answered = (reply) => {
    if (reply.state === "greet") return greet(reply);
    if (reply.state === "later") return open(reply, { mark: "…" });
    clearForm();
    say(reply.words, reply.advice);
    part("said").classList.toggle("said-ask", reply.state === "step_up");
    (reply.state === "step_up" ? sound.ask : sound.bad)();
    return number.focus();
  };

  let busy = false;
  const submit = async (what) => {
    if (busy) return;
    busy = true;
    part("go").disabled = true;
    part("go").textContent = texts.checking;
    try {
      const id = newEventId(clock.now());
      what = { ...what, ...numbering.next() };
      if (!seal.works) {
        answered(await inClear(id, what));
        setLine(true);
        return;
      }
      const sealed = await seal.event(what, id, key);
      // Held back from the queue's own sending while it is being sent and shown here.
      const tried = up !== false;
      const record = { id, sealed, hold: Date.now() + 30000, stuck: false, tried };
      const kept = await queue.put(record).then(
        () => true,
        () => false,
      );
      try {
        if (!tried) throw new LineDown("known");
        answered(await send(record));
        setLine(true);
      } catch (error) {
        if (!kept) throw error;
        failed(error);
        offline(record, what, error.status > 0);
      }
    } catch (error) {
      failed(error);
      if (error.status) say(texts.faultTitle, texts.faultAdvice);
      else say(texts.noConnection, texts.offlineAdvice);
      sound.bad();
    } finally {
      busy = false;
      part("go").disabled = false;
      drawGo();
    }
  };

  part("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = number.value.trim();
    const badge = badgeOf(text);
    if (badge) submit({ badge });
    else if (!text) {
      say(texts.enterNumber, texts.enterNumberAdvice);
      number.focus();
    } else if (!pin.value) pin.focus();
    else submit({ number: text, pin: pin.value });
  });

  for (const field of [number, pin]) {
    field.addEventListener("focus", () => {
      active = field;
      drawGo();
    });
    field.addEventListener("input", () => {
      typedAt = performance.now();
      withdraw(); // while somebody types no picture tells who is there
      if (said) say("");
      drawGo();
    });
  }

  part("form").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || button.matches("[data-go]")) return;
    if (button.matches("[data-letters]")) {
      active.blur();
      active.setAttribute("inputmode", "text");
    } else {
      const { value } = active;
      active.value = button.matches("[data-back]") ? [...value].slice(0, -1).join("") : value + button.dataset.digit;
      active.dispatchEvent(new Event("input"));
    }
    active.focus();
  });

  // What somebody typed and left is not for the next one to see.
  window.setInterval(() => {
    if (typing() && performance.now() - typedAt > 30000) clearForm();
  }, 2000);

  // A scanner's text arrives at once and ends with Enter, wherever the focus is.
  let scanned = "";
  let scannedAt = 0;
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape" && !dialog.open) clearForm();
      if (event.timeStamp - scannedAt > 250) scanned = "";
      scannedAt = event.timeStamp;
      if (event.key.length === 1) scanned = (scanned + event.key).slice(-40);
      if (event.key !== "Enter") return;
      const badge = badgeOf(scanned.slice(-28));
      scanned = "";
      if (!badge) return;
      event.preventDefault();
      event.stopPropagation();
      close();
      clearForm();
      submit({ badge });
    },
    true,
  );

  // --- the camera -------------------------------------------------------------------------------------

  let hintUntil = 0;
  const hint = (words, more = "", bad = false, seconds = 0) => {
    if (performance.now() < hintUntil && !seconds) return;
    hintUntil = performance.now() + 1000 * seconds;
    const box = part("hint");
    const whole = words + more;
    if (box.dataset.whole === whole) return; // a screen reader would say it again
    box.dataset.whole = whole;
    box.textContent = words;
    if (more) {
      const small = document.createElement("small");
      small.textContent = more;
      box.append(small);
    }
    box.classList.toggle("hint-bad", bad);
  };

  // One more proof is asked for: the form says so for as long as it may follow.
  let askedUntil = 0;
  const askForCode = (reply) => {
    part("code").classList.add("way-asked");
    part("code-title").textContent = reply.words;
    hint(reply.words, reply.advice, false, 8);
    part("hint").classList.add("hint-ask");
    askedUntil = performance.now() + 20000;
    number.focus();
    sound.ask();
  };
  const drawAsked = () => {
    if (!askedUntil || performance.now() < askedUntil) return;
    askedUntil = 0;
    part("code").classList.remove("way-asked");
    part("code-title").textContent = texts.orType;
    part("hint").classList.remove("hint-ask");
  };
  window.setInterval(drawAsked, 500);

  let somebody = false;
  const seen = (reply) => {
    if (reply.state === "challenge" && reply.challenge === challenge.declined) return;
    somebody = reply.state !== "idle";
    part("stage").classList.toggle("stage-looking", somebody);
    const name = (shown || lastDone)?.name;
    if (reply.state !== "challenge") challenge.hide();
    if (["idle", "refused", "step_up", "challenge"].includes(reply.state) || (reply.state === "greet" && reply.name !== name)) withdraw();
    if (reply.state === "greet" && !reply.repeat) {
      hint("");
      greet(reply);
    } else if (reply.state === "challenge") {
      hint("");
      challenge.show(reply);
    } else if (reply.state === "step_up") askForCode(reply);
    else if (reply.state === "greet") hint(reply.words, "", false, 3);
    else if (reply.state === "refused") {
      hint(reply.words, reply.advice, true, 5);
      sound.bad();
    } else if (reply.state === "guide") hint(reply.words);
    else hint(texts.lookHere);
  };

  const look = async () => {
    let wait = 1000 / Math.min(Number(dataset.fps), 5) + 30;
    try {
      if (!camera.stream) noCamera();
      else if (!up) hint(texts.noConnection, texts.hintOffline);
      else if (typing()) hint(texts.cameraWaits);
      else if (!document.hidden) {
        const picture = await camera.picture(somebody);
        if (picture) {
          // One that was declined is named, too: the next picture ends it.
          const asked = challenge.id || challenge.declined;
          const address = asked ? `/kiosk/look?challenge=${encodeURIComponent(asked)}` : "/kiosk/look";
          const { status, reply } = await line.ask(address, { method: "POST", body: picture, type: "image/jpeg" });
          setLine(true);
          if (status === 200 && !typing()) seen(reply);
          else if (status !== 200) wait = 1000;
        }
      }
    } catch (error) {
      failed(error);
      wait = 1000;
      if (error.status) hint(texts.cameraFault, texts.cameraFaultAdvice, true, 3);
    }
    window.setTimeout(look, wait);
  };

  part("decline").addEventListener("click", async () => {
    const reply = await challenge.decline();
    if (reply) askForCode(reply);
    else number.focus();
  });

  const noCamera = () => {
    part("stage").classList.add("stage-off");
    hint(camera.problem, texts.noCameraAdvice);
  };

  const startCamera = async () => {
    const works = await camera.start(document.querySelector("video"));
    part("stage").classList.toggle("stage-off", !works);
    if (!works) {
      noCamera();
      window.setTimeout(startCamera, 30000); // it may be allowed or plugged in meanwhile
    }
  };

  // --- the tablet -------------------------------------------------------------------------------------

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
  const stayAwake = () => {
    if (!document.hidden) navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
  navigator.storage?.persist?.().catch(() => {}); // what waits is not to be cleared away for lack of space
  navigator.serviceWorker?.register(dataset.worker, { scope: "/kiosk/" }).catch(() => {});

  number.focus();
  count().then(keepLine);
  startCamera().then(look);
})();
