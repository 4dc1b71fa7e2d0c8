// The token of a one-time link comes after #: it goes into the button's form, and the address forgets it.
"use strict";

(function () {
  const good = document.querySelector("[data-link]");
  const bad = document.querySelector("[data-no-link]");
  const form = good.querySelector("form");
  const show = (works) => {
    good.hidden = !works;
    bad.hidden = works;
  };

  const take = async () => {
    if (window.location.hash.length > 1) {
      form.elements.token.value = window.location.hash.slice(1);
      history.replaceState(null, "", window.location.pathname);
    }
    show(form.elements.token.value !== "");
    if (good.hidden) return;
    try {
      const answer = await fetch(good.dataset.link, { method: "POST", body: new FormData(form) });
      if (answer.ok) show((await answer.json()).good);
    } catch {
      // Without an answer, the button shows what is wrong.
    }
  };
  window.addEventListener("hashchange", take); // another link in the same tab
  take();
})();
