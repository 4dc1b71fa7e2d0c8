// Enrolment: each photo goes to the server by itself, and its card says at once what was thought of it.
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
      const told = await answer.json().catch(() => null);
      return told || { ok: false, words: "The site did not understand", advice: "Reload the page and try again." };
    } catch {
      return { ok: false, words: "The site does not answer", advice: "Check the connection, then try this photo again." };
    }
  };

  // --- one photo's card ---------------------------------------------------------------------------

  const drawBox = (context, box, scale, ok) => {
    const style = getComputedStyle(root);
    context.strokeStyle = style.getPropertyValue(ok ? "--ok" : "--bad");
    context.lineWidth = Math.max(2, context.canvas.width / 120);
    context.strokeRect(box[0] * scale, box[1] * scale, (box[2] - box[0]) * scale, (box[3] - box[1]) * scale);
  };

  const preview = async (canvas, blob, told) => {
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
    if (told?.box) drawBox(context, told.box, scale, told.ok);
    image.close();
  };

  const card = (name) => {
    const item = element("li", "shot shot-waiting");
    const picture = element("canvas", "shot-picture");
    const text = element("div", "shot-text");
    text.append(element("p", "shot-words", "Looking…"), element("p", "quiet", name));
    item.append(picture, text);
    shots.prepend(item);
    return { item, picture, text };
  };

  const fill = (text, name, told, again) => {
    text.replaceChildren(element("p", "shot-words", told.words), element("p", "quiet", name));
    if (told.advice) text.append(element("p", "", told.advice));
    if (told.looks_like) {
      const note = element("p", "state-warn-text", told.ok ? "Looks like " : "Compare with ");
      const link = element("a", "", told.looks_like.name);
      link.href = told.looks_like.url;
      note.append(link, ` (score ${told.looks_like.score}).`);
      text.append(note);
    }
    if (told.unlike_own) {
      const words = `Unlike this person’s other photos (score ${told.own_score}). Is it the right person?`;
      text.append(element("p", "state-warn-text", words));
    }
    if (told.reason === "may_be_another" && again) {
      const button = element("button", "btn btn-sm btn-outline-secondary", "They are two people: add it");
      button.type = "button";
      button.addEventListener("click", again);
      text.append(button);
    }
    if (told.quality?.length) {
      const chips = element("ul", "chips");
      for (const one of told.quality) {
        const chip = element("li", one.ok ? "chip" : "chip chip-bad", `${one.label} ${one.text}`);
        chip.title = `wanted: ${one.wanted}`;
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
    const told =
      blob.size > most
        ? { ok: false, words: "The file is too large", advice: `Use a copy of at most ${root.dataset.mostMb} MB.` }
        : await post(root.dataset.post, blob, source, name, before?.other);
    item.className = `shot ${told.ok ? "shot-ok" : "shot-bad"}`;
    if (told.added) told.words = "Added";
    fill(text, name, told, () => send(blob, source, name, { item, picture, text, other: told.looks_like.id }));
    await preview(picture, blob, told);
    if (told.added) await refreshList().catch(() => {});
    return told;
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
      const told = await post(root.dataset.check, blob, "browser", "look.jpg");
      if (!stream) return;
      hint.textContent = told.ok ? "Good. Take the photo." : told.advice || told.words;
      hint.classList.toggle("hint-ok", told.ok);
      overlay.width = video.videoWidth;
      overlay.height = video.videoHeight;
      if (told.box) drawBox(overlay.getContext("2d"), told.box, 1 / scale, told.ok);
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
    NotAllowedError: "The browser may not use the camera. Allow it in the address line, then start again.",
    NotFoundError: "This device has no camera. Use files instead.",
    NotReadableError: "Another program uses the camera. Close it, then start again.",
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
      problem(reasons[error.name] || "The camera did not start. Use files instead.");
    } finally {
      part("-start").disabled = false;
    }
  };

  part("").hidden = false;
  if (!navigator.mediaDevices?.getUserMedia) {
    part("-start").hidden = true;
    problem("Browsers give the camera only to sites that are opened by https or on this computer itself. Use files here.");
  } else {
    part("-start").addEventListener("click", start);
    part("-stop").addEventListener("click", stop);
    part("-shoot").addEventListener("click", async () => {
      part("-shoot").disabled = true;
      const { blob } = await grab(1920);
      await send(blob, "browser", "From the camera");
      part("-shoot").disabled = false;
    });
    window.addEventListener("pagehide", stop);
  }
})();
