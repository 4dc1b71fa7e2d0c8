// The region of interest on a camera's page: drawn, moved and pulled with mouse, finger or pen; the
// four number fields hold the truth and are what is sent.
"use strict";

(() => {
  const form = document.querySelector("[data-region]");
  const stage = form.querySelector("[data-stage]");
  const box = form.querySelector("[data-box]");
  const shade = form.querySelector("[data-shade]");
  const handles = [...form.querySelectorAll("[data-corner]")];
  const everything = form.querySelector("[data-everything]");
  const sides = ["left", "top", "right", "bottom"].map((name) => form.querySelector(`#${name}`));
  const least = Number(form.dataset.least);
  const editable = "editable" in form.dataset;
  const clip = (value, low, high) => Math.min(Math.max(value, low), high);
  const read = () => sides.map((side) => Number(side.value));
  const isRegion = ([x1, y1, x2, y2]) => [x1, y1, x2, y2].every((percent) => percent >= 0 && percent <= 100) && x2 - x1 > 0 && y2 - y1 > 0;

  const draw = () => {
    const values = read();
    const good = sides.every((side) => side.value !== "") && isRegion(values);
    box.style.display = shade.style.display = good ? "" : "none";
    for (const handle of handles) handle.hidden = !good;
    if (!good) return;
    const [x1, y1, x2, y2] = values;
    box.setAttribute("x", x1);
    box.setAttribute("y", y1);
    box.setAttribute("width", x2 - x1);
    box.setAttribute("height", y2 - y1);
    shade.setAttribute("d", `M0 0H100V100H0Z M${x1} ${y1}H${x2}V${y2}H${x1}Z`);
    for (const handle of handles) {
      const corner = handle.dataset.corner;
      // At the picture's edge they stay whole, to be seen and grasped.
      handle.style.left = `clamp(0.5rem, ${corner.endsWith("w") ? x1 : x2}%, calc(100% - 0.5rem))`;
      handle.style.top = `clamp(0.5rem, ${corner.startsWith("n") ? y1 : y2}%, calc(100% - 0.5rem))`;
    }
  };

  const write = (values) => {
    values.forEach((value, index) => {
      sides[index].value = String(Math.round(value * 10) / 10);
    });
    draw();
  };

  const at = (event) => {
    const frame = stage.getBoundingClientRect();
    const share = (value, start, length) => clip((100 * (value - start)) / length, 0, 100);
    return [share(event.clientX, frame.left, frame.width), share(event.clientY, frame.top, frame.height)];
  };

  // Pull the corner, move the inside, or begin a new one outside.  Each gives a function from a point to a region.
  const pull = (corner, [x1, y1, x2, y2]) => ([x, y]) => [
    corner.endsWith("w") ? clip(x, 0, x2 - least) : x1,
    corner.startsWith("n") ? clip(y, 0, y2 - least) : y1,
    corner.endsWith("e") ? clip(x, x1 + least, 100) : x2,
    corner.startsWith("s") ? clip(y, y1 + least, 100) : y2,
  ];
  const move = ([startX, startY], [x1, y1, x2, y2]) => ([x, y]) => {
    const across = clip(x - startX, -x1, 100 - x2);
    const down = clip(y - startY, -y1, 100 - y2);
    return [x1 + across, y1 + down, x2 + across, y2 + down];
  };
  const begin = ([startX, startY]) => ([x, y]) => {
    const span = (from, to) => {
      let [low, high] = from < to ? [from, to] : [to, from];
      if (high - low < least) high = low + least;
      if (high > 100) [low, high] = [100 - least, 100];
      return [low, high];
    };
    const [x1, x2] = span(startX, x);
    const [y1, y2] = span(startY, y);
    return [x1, y1, x2, y2];
  };

  const listen = () => {
    let change = null;
    let start = null;
    stage.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button > 0) return;
      const now = read();
      const point = at(event);
      const corner = event.target.dataset?.corner;
      const [x1, y1, x2, y2] = now;
      const whole = x1 <= 0 && y1 <= 0 && x2 >= 100 && y2 >= 100;
      const inside = isRegion(now) && point[0] > x1 && point[0] < x2 && point[1] > y1 && point[1] < y2;
      change = corner ? pull(corner, now) : inside && !whole ? move(point, now) : begin(point);
      start = corner || (inside && !whole) ? null : point;
      stage.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    stage.addEventListener("pointermove", (event) => {
      if (!change || !stage.hasPointerCapture(event.pointerId)) return;
      const point = at(event);
      // A tap draws nothing.
      if (start && Math.abs(point[0] - start[0]) < 1 && Math.abs(point[1] - start[1]) < 1) return;
      start = null;
      write(change(point));
    });
    const end = () => {
      change = null;
    };
    stage.addEventListener("pointerup", end);
    stage.addEventListener("pointercancel", end);
    for (const side of sides) side.addEventListener("input", draw);
    everything.hidden = false;
    everything.addEventListener("click", () => write([0, 0, 100, 100]));
    stage.classList.add("roi-live");
  };

  // A requested picture comes with the daemon's next heartbeat.
  const wait = async (address) => {
    for (let tries = 0; tries < 30; tries += 1) {
      await new Promise((done) => window.setTimeout(done, 1000));
      try {
        const { picture } = await (await site.json(address)).json();
        if (picture) {
          const image = new Image();
          image.src = picture;
          image.alt = form.dataset.pictureAlt;
          image.draggable = false;
          await image.decode();
          stage.querySelector(".roi-blank").replaceWith(image);
          return;
        }
      } catch {
        // The site may answer again a second later.
      }
    }
    stage.querySelector("[data-blank-words]").textContent = form.dataset.noPicture;
  };

  if (editable) listen();
  draw();
  if (stage.dataset.wait) wait(stage.dataset.wait);
})();
