// Enrolment: each photo goes to the server by itself, and its card shows the verdict at once.
// The running camera is judged about once a second, so that people can move before the photo is taken.
"use strict";

(function () {
  const root = document.querySelector("[data-enrol]");
  if (!root) return;
  const shots = root.querySelector("[data-shots]");
  const hint = root.querySelector("[data-camera-hint]");
  const video = root.querySelector("video");
  const overlay = root.querySelector(".camera-stage canvas");
  const most = Number(root.dataset.mostMb) * 1024 * 1024;
  const texts = JSON.parse(root.querySelector("[data-texts]").textContent);
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
  let stream = null;
  let looking = 0;

  const element = (tag, cls, text) => {
    const made = document.createElement(tag);
    if (cls) made.className = cls;
    if (text) made.textContent = text;
    return made;
  };

  const post = async (url, blob, source, name, twoPeople = null) => {
    const data = new FormData();
    data.append("photo", blob, name);
    data.append("source", source);
    if (twoPeople) data.append("two_people", twoPeople);
    try {
      const answer = await site.json(url, { method: "POST", body: data });
      const report = await answer.json().catch(() => null);
      return report || { ok: false, words: texts.unclear, advice: texts.unclearAdvice };
    } catch {
      return { ok: false, words: texts.offline, advice: texts.offlineAdvice };
    }
  };

  // --- one photo's card ---------------------------------------------------------------------------

  const drawBox = (context, box, scale, ok) => {
    const style = getComputedStyle(root);
    context.strokeStyle = style.getPropertyValue(ok ? "--ok" : "--bad");
    context.lineWidth = Math.max(2, context.canvas.width / 120);
    context.strokeRect(box[0] * scale, box[1] * scale, (box[2] - box[0]) * scale, (box[3] - box[1]) * scale);
  };

  const preview = async (canvas, blob, report) => {
    let image;
    try {
      image = await createImageBitmap(blob); // upright, as the server sees it
    } catch {
      canvas.remove(); // no image that this browser can show
      return;
    }
    const scale = Math.min(1, 360 / Math.max(image.width, image.height));
    canvas.width = Math.round(image.width * scale);
    canvas.height = Math.round(image.height * scale);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    if (report?.box) drawBox(context, report.box, scale, report.ok);
    image.close();
  };

  const card = (name) => {
    const item = element("li", "shot shot-waiting");
    const picture = element("canvas", "shot-picture");
    const text = element("div", "shot-text");
    text.append(element("p", "shot-words", texts.judging), element("p", "quiet", name));
    item.append(picture, text);
    shots.prepend(item);
    return { item, picture, text };
  };

  const fill = (text, name, report, again) => {
    text.replaceChildren(element("p", "shot-words", report.words), element("p", "quiet", name));
    if (report.advice) text.append(element("p", "", report.advice));
    if (report.looks_like) {
      const [before, after] = filled(report.ok ? texts.looksLike : texts.compare, {
        name: "\0",
        score: report.looks_like.score,
      }).split("\0");
      const note = element("p", "state-warn-text", before);
      const link = element("a", "", report.looks_like.name);
      link.href = report.looks_like.url;
      note.append(link, after);
      text.append(note);
    }
    if (report.unlike_own) {
      text.append(element("p", "state-warn-text", filled(texts.unlike, { score: report.own_score })));
    }
    if (report.reason === "may_be_another" && again) {
      const button = element("button", "btn btn-sm btn-outline-secondary", texts.twoPeople);
      button.type = "button";
      button.addEventListener("click", again);
      text.append(button);
    }
    if (report.quality?.length) {
      const chips = element("ul", "chips");
      for (const measure of report.quality) {
        const chip = element("li", measure.ok ? "chip" : "chip chip-bad", `${measure.label} ${measure.text}`);
        chip.title = filled(texts.wanted, measure);
        chips.append(chip);
      }
      text.append(chips);
    }
  };

  const refreshList = async () => {
    const answer = await site.ask(root.dataset.list);
    if (answer.ok) document.querySelector("[data-templates]").innerHTML = await answer.text();
  };

  const send = async (blob, source, name, before = null) => {
    const { item, picture, text } = before || card(name);
    preview(picture, blob, null);
    const report =
      blob.size > most
        ? { ok: false, words: texts.tooLarge, advice: filled(texts.tooLargeAdvice, { most: root.dataset.mostMb }) }
        : await post(root.dataset.post, blob, source, name, before?.other);
    item.className = `shot ${report.ok && !report.unlike_own ? "shot-ok" : "shot-bad"}`;
    if (report.added) report.words = texts.added;
    fill(text, name, report, () => send(blob, source, name, { item, picture, text, other: report.looks_like.id }));
    await preview(picture, blob, report);
    if (report.added) await refreshList().catch(() => {});
    return report;
  };

  // --- files --------------------------------------------------------------------------------------

  const form = root.querySelector("[data-drop]");
  const input = form.querySelector("input[type=file]");
  const sendFiles = async (files) => {
    for (const file of files) await send(file, "upload", file.name); // one by one: the server has other work
  };
  form.querySelector("[data-nojs]").hidden = true;
  form.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    sendFiles(files);
  });
  for (const kind of ["dragenter", "dragover"]) {
    form.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.add("drop-over");
    });
  }
  for (const kind of ["dragleave", "drop"]) form.addEventListener(kind, () => form.classList.remove("drop-over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    sendFiles([...event.dataTransfer.files]);
  });

  // --- the browser's camera -----------------------------------------------------------------------

  const part = (name) => root.querySelector(`[data-camera${name}]`);
  const problem = (text) => {
    part("-problem").hidden = !text;
    part("-problem").textContent = text;
  };

  const grab = (width) => {
    const scale = Math.min(1, width / video.videoWidth);
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob((blob) => resolve({ blob, scale }), "image/jpeg", 0.92));
  };

  const look = async () => {
    if (!stream) return;
    if (!document.hidden && video.videoWidth) {
      const { blob, scale } = await grab(960);
      const report = await post(root.dataset.check, blob, "browser", "look.jpg");
      if (!stream) return;
      hint.textContent = report.ok ? texts.good : report.advice || report.words;
      hint.classList.toggle("hint-ok", report.ok);
      overlay.width = video.videoWidth;
      overlay.height = video.videoHeight;
      if (report.box) drawBox(overlay.getContext("2d"), report.box, 1 / scale, report.ok);
    }
    looking = window.setTimeout(look, 900);
  };

  const stop = () => {
    window.clearTimeout(looking);
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    part("-stage").hidden = part("-buttons").hidden = true;
    part("-start").hidden = false;
  };

  const reasons = {
    NotAllowedError: texts.notAllowed,
    NotFoundError: texts.notFound,
    NotReadableError: texts.notReadable,
  };

  const start = async () => {
    problem("");
    part("-start").disabled = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" },
        audio: false,
      });
      video.srcObject = stream;
      await video.play();
      part("-stage").hidden = part("-buttons").hidden = false;
      part("-start").hidden = true;
      look();
    } catch (error) {
      stop();
      problem(reasons[error.name] || texts.notStarted);
    } finally {
      part("-start").disabled = false;
    }
  };

  part("").hidden = false;
  if (!navigator.mediaDevices?.getUserMedia) {
    part("-start").hidden = true;
    problem(texts.insecure);
  } else {
    part("-start").addEventListener("click", start);
    part("-stop").addEventListener("click", stop);
    part("-shoot").addEventListener("click", async () => {
      part("-shoot").disabled = true;
      const { blob } = await grab(1920);
      await send(blob, "browser", texts.fromCamera);
      part("-shoot").disabled = false;
    });
    window.addEventListener("pagehide", stop);
  }
})();
