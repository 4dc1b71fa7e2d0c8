// The week of a schedule: spans are drawn, moved and pulled with mouse, finger or pen, or with the keyboard; the seven
// text fields hold the truth and are what is sent.
"use strict";

(() => {
  const week = document.querySelector("[data-week]");
  if (!week) return;
  const editable = "editable" in week.dataset;
  const DAY = 1440;
  const STEP = 15;
  const NS = "http://www.w3.org/2000/svg";
  const clip = (value) => Math.min(Math.max(Math.round(value / STEP) * STEP, 0), DAY);
  const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
  const parse = (text) => {
    const spans = [];
    for (const part of text.split(/[,;]/)) {
      const found = /^\s*(\d{1,2})(?:[:.](\d{2}))?\s*[-–]\s*(\d{1,2})(?:[:.](\d{2}))?\s*$/.exec(part);
      if (!found) {
        if (part.trim()) return null;
        continue;
      }
      const [start, end] = [60 * found[1] + Number(found[2] || 0), 60 * found[3] + Number(found[4] || 0)];
      const minutes = Math.max(found[2] || 0, found[4] || 0);
      if (start >= DAY || end > DAY || minutes > 59 || start === end) return null; // as the site has it
      spans.push([start, end]); // an end at or before the start goes on into the next day
    }
    return spans;
  };
  const write = (spans) => spans.map(([start, end]) => `${clock(start)}-${clock(end)}`).join(", ");

  const rows = [...week.querySelectorAll("[data-day]")].map((row) => ({
    name: row.querySelector("label").textContent.trim(),
    svg: row.querySelector("svg"),
    input: row.querySelector("input"),
    spans: [],
  }));

  const bar = (row, number, start, end, over) => {
    const rect = document.createElementNS(NS, "rect");
    rect.setAttribute("class", over ? "week-span week-over" : "week-span");
    rect.setAttribute("x", start);
    rect.setAttribute("y", 2);
    rect.setAttribute("width", Math.max(end - start, 1));
    rect.setAttribute("height", 20);
    if (!over) {
      const [from, to] = row.spans[number];
      const words = week.dataset.span.replace("{start}", clock(from)).replace("{end}", clock(to));
      rect.setAttribute("aria-label", `${row.name} ${words}`);
      rect.setAttribute("role", editable ? "button" : "img");
      if (editable) {
        rect.setAttribute("tabindex", "0");
        rect.addEventListener("keydown", (event) => keyed(event, row, number));
      }
    }
    row.svg.append(rect);
    return rect;
  };

  const wrong = document.querySelector("[data-week-wrong]");
  const draw = () => {
    const unread = rows.filter((row) => row.spans === null).map((row) => row.name);
    if (wrong) wrong.textContent = unread.length ? wrong.dataset.weekWrong.replace("{days}", unread.join(", ")) : "";
    for (const row of rows) for (const old of row.svg.querySelectorAll(".week-span")) old.remove();
    rows.forEach((row, day) => {
      row.input.classList.toggle("is-invalid", row.spans === null);
      if (row.spans === null) row.input.setAttribute("aria-invalid", "true");
      else row.input.removeAttribute("aria-invalid");
      (row.spans || []).forEach(([start, end], number) => {
        bar(row, number, start, end > start ? end : DAY, false);
        if (end <= start && end > 0) bar(rows[(day + 1) % rows.length], -1, 0, end, true);
      });
    });
  };
  const read = () => {
    for (const row of rows) row.spans = parse(row.input.value);
    draw();
  };
  const keep = (row) => {
    row.input.value = write(row.spans);
    draw();
    offerUndo();
  };

  // What the seven fields held before each change: drawn, typed, by keys or copied.
  const tools = week.parentElement.querySelector("[data-week-tools]");
  const undoButton = tools?.querySelector("[data-week-undo]");
  const before = [];
  const held = () => rows.map((row) => row.input.value);
  const differs = (one) => one.some((value, day) => value !== rows[day].input.value);
  const offerUndo = () => {
    if (undoButton) undoButton.disabled = !before.some(differs);
  };
  const remember = () => {
    if (!before.length || differs(before[before.length - 1])) before.push(held());
  };
  const undo = () => {
    while (before.length) {
      const last = before.pop();
      if (!differs(last)) continue;
      last.forEach((value, day) => (rows[day].input.value = value));
      read();
      break;
    }
    offerUndo();
  };
  const focus = (row, number) => row.svg.querySelectorAll(".week-span:not(.week-over)")[number]?.focus();

  const keyed = (event, row, number) => {
    const [start, end] = row.spans[number];
    const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    remember();
    if (event.key === "Delete" || event.key === "Backspace") {
      row.spans.splice(number, 1);
    } else if (by && event.shiftKey) {
      if (clip(end + by) === start) return;
      row.spans[number] = [start, clip(end + by)];
    } else if (by && start + by >= 0 && end + by <= DAY) {
      row.spans[number] = [start + by, end + by];
    } else return;
    event.preventDefault();
    keep(row);
    focus(row, number);
  };

  // Sort, and join what overlaps or touches; a span over midnight stays as it is typed.
  const tidy = (spans) => {
    const over = spans.filter(([start, end]) => end <= start);
    const result = [];
    for (const [start, end] of spans.filter(([a, b]) => b > a).sort((a, b) => a[0] - b[0])) {
      const last = result[result.length - 1];
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else result.push([start, end]);
    }
    return [...result, ...over];
  };

  const drawable = (row) => {
    let held = null; // what is held: which span, where it was, how
    const letGo = (kept) => {
      if (!held) return;
      held = null;
      if (kept) return keep(row);
      undo(); // such as a finger that scrolls the page
      read();
    };
    const minute = (event) => {
      const box = row.svg.getBoundingClientRect();
      return ((event.clientX - box.left) / box.width) * DAY;
    };
    row.svg.addEventListener("pointerdown", (event) => {
      if (row.spans === null || event.button > 0) return;
      remember();
      const at = minute(event);
      const near = Math.max(20, (14 / row.svg.getBoundingClientRect().width) * DAY);
      const number = row.spans.findIndex(([start, end]) => end > start && at >= start - near / 2 && at <= end + near / 2);
      if (number < 0) {
        row.spans.push([clip(at), clip(at)]);
        held = { number: row.spans.length - 1, from: clip(at), how: "new" };
      } else {
        const [start, end] = row.spans[number];
        const edge = Math.min(near, (end - start) / 3);
        const how = at < start + edge ? "start" : at > end - edge ? "end" : "move";
        held = { number, at, start, end, how };
      }
      row.svg.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    row.svg.addEventListener("pointermove", (event) => {
      if (!held) return;
      const at = clip(minute(event));
      if (held.how === "new") row.spans[held.number] = [Math.min(held.from, at), Math.max(held.from, at)];
      else if (held.how === "start") row.spans[held.number] = [Math.min(at, held.end - STEP), held.end];
      else if (held.how === "end") row.spans[held.number] = [held.start, Math.max(at, held.start + STEP)];
      else {
        const long = held.end - held.start;
        const start = Math.min(clip(held.start + minute(event) - held.at), DAY - long);
        row.spans[held.number] = [start, start + long];
      }
      row.input.value = write(row.spans);
      draw();
    });
    const drop = () => {
      if (!held) return;
      if (held.how === "new" && row.spans[held.number][0] === row.spans[held.number][1]) row.spans.splice(held.number, 1);
      row.spans = tidy(row.spans);
      letGo(true);
    };
    row.svg.addEventListener("pointerup", drop);
    row.svg.addEventListener("pointercancel", () => letGo(false));
  };

  for (const row of rows) {
    row.svg.setAttribute("role", "group");
    row.svg.setAttribute("aria-label", row.name);
    row.input.addEventListener("focus", remember);
    row.input.addEventListener("input", () => {
      read();
      offerUndo();
    });
    if (editable) drawable(row);
  }
  if (editable) week.classList.add("week-live");
  if (editable && tools) {
    tools.hidden = false;
    undoButton.addEventListener("click", undo);
    week.addEventListener("keydown", (event) => {
      // In a field that is typed in, the browser's own way back counts.
      if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.target.matches("input")) return;
      event.preventDefault();
      undo();
      week.querySelector(".week-span:not(.week-over)")?.focus();
    });
    const [from, to] = ["from", "to"].map((name) => tools.querySelector(`[data-week-${name}]`));
    tools.querySelector("[data-week-copy]").addEventListener("click", () => {
      remember();
      for (const day of to.value.split(",")) rows[day].input.value = rows[from.value].input.value;
      read();
      offerUndo();
    });
  }
  read();
})();
