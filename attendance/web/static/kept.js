// What was typed into a form comes back when the site refused it with a notice and showed the page again.
// It is kept in this tab between the two pages only.  Passwords, PINs, files and the form's token are not; a field that
// may hold a password among other things says so by data-secret.
"use strict";

(function () {
  const KEY = "refused-form";
  const FORMS = 'main form[method="post"]:not([enctype])';
  const SECRET = 'input[type="password"], [autocomplete="one-time-code"], [name="pin"], [name="code"], [data-secret]';
  const fieldsOf = (form) =>
    [...form.elements].filter((one) => one.name && one.type !== "hidden" && !one.hasAttribute("form") && one.type !== "submit");
  const numberOf = (form) => [...document.querySelectorAll(FORMS)].indexOf(form);

  let sent = null;
  try {
    sent = JSON.parse(window.sessionStorage.getItem(KEY));
    window.sessionStorage.removeItem(KEY);
  } catch {
    return; // a browser without storage
  }
  const refused = document.querySelector("main > .notice-danger");
  if (sent && refused && sent.page === window.location.pathname) {
    const form = document.querySelectorAll(FORMS)[sent.number];
    if (form && form.getAttribute("action") === sent.action) {
      const fields = fieldsOf(form);
      if (fields.length === sent.values.length) {
        fields.forEach((one, number) => {
          const value = sent.values[number];
          if (typeof value === "boolean") one.checked = value;
          else one.value = value;
        });
        for (let fold = form.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      }
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches(FORMS) || form.querySelector(SECRET)) return;
    const values = fieldsOf(form).map((one) => (["checkbox", "radio"].includes(one.type) ? one.checked : one.value));
    if (!values.length) return;
    const kept = { page: window.location.pathname, action: form.getAttribute("action"), number: numberOf(form), values };
    try {
      window.sessionStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // full, or switched off: the form is empty again
    }
  });
})();
