// Asks the server what each position of the sliders would mean, and moves lines and dots to it.
"use strict";

(function () {
  const form = document.querySelector("[data-threshold]");
  const step = form.querySelector("#step");
  const slider = form.querySelector("#threshold");
  const margin = form.querySelector("#margin");
  const days = form.querySelector("#days");
  const mode = form.querySelector("[data-mode]");
  const result = form.querySelector('[data-part="numbers"]');
  const people = document.querySelector('[data-part="people"]');
  const save = form.querySelector("[data-save]");
  const reason = form.querySelector("#reason");
  const risks = step.dataset.risks.split(" ").map(Number);
  const left = Number(form.dataset.left);
  const right = Number(form.dataset.right);
  const low = Number(form.dataset.low);
  const chart = form.querySelector("[data-histogram]");
  const dot = form.querySelector("[data-dot]");
  let asking = null;
  let timer = 0;

  const xOf = (value) => left + ((right - left) * (value - low)) / (1 - low); // the same sum as chart.x_of

  const moveLine = () => {
    const value = Number(slider.value);
    if (chart) {
      const x = xOf(value);
      form.querySelector("[data-line]").setAttribute("transform", `translate(${x} 0)`);
      form.querySelector("[data-below]").setAttribute("width", Math.max(0, x));
      form.querySelector("[data-above]").setAttribute("x", x);
    }
    form.querySelector("[data-output]").textContent = value.toFixed(3);
    form.querySelector("[data-margin-output]").textContent = Number(margin.value).toFixed(3);
  };

  const sayRisk = () => {
    const output = form.querySelector("[data-risk-output]");
    const risk = risks[Number(step.value)].toLocaleString(document.documentElement.lang || "en");
    const words = output.dataset.atMost.replace("RISK", risk);
    output.textContent = mode.value === "hand" ? output.dataset.byHand : words;
    step.setAttribute("aria-valuetext", words);
  };

  // Read from the answer whether it loosens, which threshold the risk gives, and the place of the dot.
  const follow = () => {
    const numbers = result.querySelector("[data-meaning]");
    if (!numbers) return;
    const loosens = numbers.dataset.loosens === "yes";
    if (reason) reason.required = loosens;
    if (save) {
      save.classList.toggle("btn-caution", loosens);
      save.classList.toggle("btn-primary", !loosens);
    }
    if (mode.value === "risk" && numbers.dataset.threshold) slider.value = numbers.dataset.threshold;
    if (dot) {
      const [x, y] = numbers.dataset.place.split(" ");
      dot.setAttribute("visibility", y ? "visible" : "hidden");
      if (y) {
        dot.setAttribute("cx", x);
        dot.setAttribute("cy", y);
      }
    }
    moveLine();
  };

  const ask = async () => {
    asking?.abort();
    asking = new AbortController();
    const address = new URL(form.dataset.numbers, window.location.href);
    address.searchParams.set("mode", mode.value);
    address.searchParams.set("margin", margin.value);
    if (mode.value === "risk") address.searchParams.set("step", step.value);
    else address.searchParams.set("threshold", slider.value);
    address.searchParams.set("days", days.value);
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await site.ask(address, { signal: asking.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const open = [...result.querySelectorAll("details")].map((one) => one.open);
      const fresh = document.createElement("div");
      fresh.innerHTML = await answer.text();
      result.innerHTML = fresh.querySelector('[data-part="numbers"]').innerHTML;
      people.innerHTML = fresh.querySelector('[data-part="people"]').innerHTML;
      result.querySelectorAll("details").forEach((one, index) => {
        one.open = Boolean(open[index]);
      });
      follow();
      result.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name !== "AbortError") result.removeAttribute("aria-busy");
    }
  };

  const changed = (how) => {
    mode.value = how;
    sayRisk();
    moveLine();
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, 80);
  };
  step.addEventListener("input", () => changed("risk"));
  slider.addEventListener("input", () => changed("hand"));
  margin.addEventListener("input", () => changed(mode.value));
  days.addEventListener("change", () => {
    const here = new URL(window.location.href);
    here.searchParams.set("days", days.value);
    history.replaceState(null, "", here);
    changed(mode.value);
  });

  if (chart) {
    const pull = (event) => {
      const frame = chart.getBoundingClientRect();
      const x = ((event.clientX - frame.left) / frame.width) * chart.viewBox.baseVal.width;
      slider.value = low + ((x - left) / (right - left)) * (1 - low);
      changed("hand");
    };
    chart.addEventListener("pointerdown", (event) => {
      chart.setPointerCapture(event.pointerId);
      pull(event);
    });
    chart.addEventListener("pointermove", (event) => {
      if (chart.hasPointerCapture(event.pointerId)) pull(event);
    });
  }
  // A browser that restores a slider on reload shows another value than the page was made for.
  const chosen = days.querySelector("option[selected]");
  const restored =
    [step, slider, margin].some((one) => one.value !== one.defaultValue) || (chosen && days.value !== chosen.value);
  sayRisk();
  follow();
  if (restored) ask();
})();
