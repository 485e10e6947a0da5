// The API page: sends an operation as its form says and shows the answer. The
// page explains the same with curl for readers without this file.
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-operation]");
  if (!form) return;
  event.preventDefault();
  send(form);
});

async function send(form) {
  const request = { method: form.dataset.method, headers: { Accept: "application/json" } };
  const body = form.querySelector("[data-in='body']");
  if (body) {
    request.body = body.value;
    request.headers["Content-Type"] = "application/json";
  }
  const button = form.querySelector("button");
  const sure = form.querySelector("[data-sure]");
  button.disabled = true;
  try {
    const response = await fetch(address(form), request);
    show(form, `${response.status} ${response.statusText}`, pretty(await response.text()));
  } catch (error) {
    show(form, "", String(error));
  } finally {
    button.disabled = false;
    if (sure) sure.checked = false; // the next one is asked for again
  }
}

// address puts the path and query parameters into the operation's path.
function address(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("[data-name]")) {
    if (input.dataset.in === "path") path = path.replace(`{${input.dataset.name}}`, encodeURIComponent(input.value));
    else if (input.value !== "") query.set(input.dataset.name, input.value);
  }
  return query.size ? `${path}?${query}` : path;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function show(form, status, text) {
  const answer = form.querySelector("[data-answer]");
  answer.hidden = false;
  answer.querySelector("[data-status]").textContent = status;
  answer.querySelector("[data-text]").textContent = text;
}
