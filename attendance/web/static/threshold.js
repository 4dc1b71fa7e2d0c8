// Moves the threshold's line with the slider at once, and asks the server what it would mean.
"use strict";

(function () {
  const form = document.querySelector("[data-threshold]");
  const slider = form.querySelector("#threshold");
  const margin = form.querySelector("#margin");
  const result = form.querySelector("[data-result]");
  const save = form.querySelector("[data-save]");
  const reason = form.querySelector("#reason");
  const left = Number(form.dataset.left);
  const right = Number(form.dataset.right);
  const low = Number(form.dataset.low);
  let asking = null;
  let timer = 0;

  const needsReason = () => {
    const loosens = result.querySelector("[data-loosens]")?.dataset.loosens === "yes";
    if (reason) reason.required = loosens;
    if (save) {
      save.classList.toggle("btn-caution", loosens);
      save.classList.toggle("btn-primary", !loosens);
    }
  };

  const chart = form.querySelector(".chart svg");
  const xOf = (value) => left + ((right - left) * (value - low)) / (1 - low); // the same sum as chart.x_of

  const move = () => {
    const value = Number(slider.value);
    const x = xOf(value);
    if (chart) {
      form.querySelector("[data-line]").setAttribute("transform", `translate(${x} 0)`);
      form.querySelector("[data-below]").setAttribute("width", Math.max(0, x));
      form.querySelector("[data-above]").setAttribute("x", x);
    }
    form.querySelector("[data-output]").textContent = value.toFixed(3);
    form.querySelector("[data-margin-output]").textContent = Number(margin.value).toFixed(3);
  };

  const ask = async () => {
    asking?.abort();
    asking = new AbortController();
    const address = new URL(form.dataset.numbers, window.location.href);
    address.searchParams.set("threshold", slider.value);
    address.searchParams.set("margin", margin.value);
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await site.ask(address, { signal: asking.signal });
      if (!answer.ok) return;
      result.innerHTML = await answer.text();
      needsReason();
      result.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name !== "AbortError") result.removeAttribute("aria-busy");
    }
  };

  const changed = () => {
    move();
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, 80);
  };
  slider.addEventListener("input", changed);
  margin.addEventListener("input", changed);
  if (chart) {
    // The slider's knob stands right below the line: its track begins and ends where its values are drawn.
    const width = chart.viewBox.baseVal.width;
    const knob = "1.35rem";
    const [first, last] = [xOf(Number(slider.min)) / width, xOf(Number(slider.max)) / width];
    slider.style.marginLeft = `calc(${100 * first}% - ${knob} / 2)`;
    slider.style.width = `calc(${100 * (last - first)}% + ${knob})`;

    const pull = (event) => {
      const frame = chart.getBoundingClientRect();
      const x = ((event.clientX - frame.left) / frame.width) * width;
      slider.value = low + ((x - left) / (right - left)) * (1 - low);
      changed();
    };
    chart.addEventListener("pointerdown", (event) => {
      chart.setPointerCapture(event.pointerId);
      pull(event);
    });
    chart.addEventListener("pointermove", (event) => {
      if (chart.hasPointerCapture(event.pointerId)) pull(event);
    });
  }
  move();
  needsReason();
  // A browser that restores the slider on reload shows another value than the page was made for.
  if (slider.value !== slider.defaultValue || margin.value !== margin.defaultValue) ask();
})();
