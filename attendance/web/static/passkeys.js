// Forms that a passkey answers.  A button with data-passkey asks the site what to ask, asks the browser's passkeys, puts
// the answer into the field that it names and submits its form.  data-passkey-make: a new passkey is made.
"use strict";

(function () {
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const described = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const made = (credential) => ({
    attestationObject: text(credential.response.attestationObject),
    transports: credential.response.getTransports?.() ?? [],
  });
  const answered = ({ response }) => ({
    authenticatorData: text(response.authenticatorData),
    signature: text(response.signature),
    userHandle: response.userHandle ? text(response.userHandle) : null,
  });

  const ask = async (options, make) => {
    const publicKey = { ...options, challenge: bytes(options.challenge) };
    if (make) {
      publicKey.user = { ...options.user, id: bytes(options.user.id) };
      publicKey.excludeCredentials = described(options.excludeCredentials);
    } else {
      publicKey.allowCredentials = described(options.allowCredentials);
    }
    const credential = await navigator.credentials[make ? "create" : "get"]({ publicKey });
    const response = make ? made(credential) : answered(credential);
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response: { ...response, clientDataJSON: text(credential.response.clientDataJSON) },
      clientExtensionResults: {},
    });
  };

  for (const button of document.querySelectorAll("[data-passkey]")) {
    const form = button.form;
    const trouble = document.getElementById(button.dataset.trouble);
    if (!window.PublicKeyCredential) {
      trouble.textContent = button.dataset.unable;
      trouble.hidden = false;
      continue;
    }
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      trouble.hidden = true;
      try {
        const token = document.querySelector('meta[name="csrf-token"]').content;
        const headers = { "X-CSRFToken": token, Accept: "application/json" };
        const answer = await fetch(button.dataset.passkey, { method: "POST", headers });
        const told = await answer.json();
        if (!answer.ok) throw new Error(told.words);
        const field = button.dataset.field || "passkey";
        form.elements[field].value = await ask(told.publicKey, "passkeyMake" in button.dataset);
        form.submit();
      } catch (error) {
        // The browser says NotAllowedError for whatever its user or a passkey declined; InvalidStateError: known already.
        const known = { NotAllowedError: button.dataset.declined, InvalidStateError: button.dataset.known };
        trouble.textContent = known[error.name] || error.message || button.dataset.declined;
        trouble.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
