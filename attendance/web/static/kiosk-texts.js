// The texts of the kiosk's scripts, as the page gives them in the site's language.
"use strict";

const texts = JSON.parse(document.querySelector("[data-texts]").textContent);
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
