// Passkeys: the page asks the server what to ask of the browser, and puts the browser's answer into the form that stands there.
"use strict";

(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

  const ask = async (what, options) => {
    const publicKey = { ...options, challenge: bytes(options.challenge) };
    if (what === "create") {
      publicKey.user = { ...options.user, id: bytes(options.user.id) };
      publicKey.excludeCredentials = named(options.excludeCredentials);
      return navigator.credentials.create({ publicKey });
    }
    publicKey.allowCredentials = named(options.allowCredentials);
    return navigator.credentials.get({ publicKey });
  };

  const written = (credential) => {
    const response = { clientDataJSON: text(credential.response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
  };

  for (const card of document.querySelectorAll("[data-passkey-card]")) {
    card.hidden = false;
    for (const button of document.querySelectorAll("[data-second-choice]")) button.classList.remove("button--primary");
  }
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const said = form.querySelector("[data-says]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      said.hidden = true;
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const body = new URLSearchParams({ csrf: form.elements.csrf.value });
        const answer = await fetch(form.dataset.options, { method: "POST", body, credentials: "same-origin" });
        if (answer.redirected) return location.assign(answer.url); // signed in too long ago: that page says so
        if (!answer.ok) throw new Error(String(answer.status));
        form.elements.credential.value = written(await ask(form.dataset.passkey, await answer.json()));
        form.submit();
      } catch {
        said.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
