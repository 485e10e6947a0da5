// Asks the browser for a passkey, puts its answer into the form and sends it.
"use strict";

{
  const decode = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  // The options as the browser takes them: what JSON holds as text is bytes.
  const withBytes = (options) => {
    options.challenge = decode(options.challenge);
    if (options.user) options.user.id = decode(options.user.id);
    for (const list of [options.excludeCredentials, options.allowCredentials])
      for (const credential of list ?? []) credential.id = decode(credential.id);
    return options;
  };

  const answerOf = (credential) => {
    const from = credential.response;
    const response = { clientDataJSON: encode(from.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"])
      if (from[name]) response[name] = encode(from[name]);
    if (from.getTransports) response.transports = from.getTransports();
    return { id: credential.id, rawId: encode(credential.rawId), type: credential.type, response,
      authenticatorAttachment: credential.authenticatorAttachment ?? undefined, clientExtensionResults: credential.getClientExtensionResults() };
  };

  const ask = async (form) => {
    if (!window.PublicKeyCredential) throw new Error(form.dataset.unsupported);
    const begun = await fetch("/passkey/begin", { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams({ for: form.dataset.passkey }) });
    const options = await begun.json();
    if (!begun.ok) throw new Error(options.problem);
    const publicKey = withBytes(options.publicKey);
    try {
      return form.dataset.passkey === "adding" ? await navigator.credentials.create({ publicKey }) : await navigator.credentials.get({ publicKey });
    } catch (reason) {
      throw new Error(reason.name === "InvalidStateError" ? form.dataset.known : form.dataset.cancelled, { cause: reason });
    }
  };

  const send = async (form) => {
    const problem = form.querySelector("[data-passkey-problem]");
    const button = form.querySelector("button");
    problem.hidden = true;
    button.disabled = true;
    try {
      form.elements.answer.value = JSON.stringify(answerOf(await ask(form)));
      form.submit();
    } catch (reason) {
      problem.firstElementChild.textContent = reason.message || form.dataset.cancelled;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  };

  for (const form of document.querySelectorAll("form[data-passkey]"))
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
}
