// Pages work without this file. It copies, opens dialogs in place, dismisses
// messages, shows passwords, changes the theme in place, shows what a download changed and
// puts the focus where help is needed.
"use strict";

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-copy], [data-dialog], [data-close], [data-dismiss], [data-reveal]");
  if (!target) return;
  if (target.dataset.copy !== undefined) copy(target);
  else if (target.dataset.dialog !== undefined) openDialog(event, target.dataset.dialog);
  else if (target.dataset.reveal !== undefined) reveal(target, !target.classList.contains("shown"));
  else if (target.dataset.close !== undefined) closeDialog(event, target);
  else target.closest("[data-flash]").remove();
});

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    copyBySelection(button.dataset.copy); // no clipboard on plain HTTP
    button.focus();
  }
  const label = button.getAttribute("aria-label");
  button.classList.add("copied");
  button.setAttribute("aria-label", button.dataset.copied);
  setTimeout(() => {
    button.classList.remove("copied");
    button.setAttribute("aria-label", label);
  }, 1600);
}

function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

// The eye beside a password shows what was typed. It is hidden again before it is sent:
// a browser remembers what was typed into a field of plain text.
function reveal(button, shown) {
  document.getElementById(button.dataset.reveal).type = shown ? "text" : "password";
  if (button.classList.contains("shown") === shown) return;
  button.classList.toggle("shown", shown);
  const label = button.dataset.hide; // the label says what a press does, so there is no pressed state
  button.dataset.hide = button.title;
  button.title = label;
  button.setAttribute("aria-label", label);
}

// A press of the eye leaves the focus in the field.
document.addEventListener("mousedown", (event) => {
  if (event.target.closest("[data-reveal]")) event.preventDefault();
});

document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("[data-reveal]")) reveal(button, false);
});

function openDialog(event, id) {
  const dialog = document.getElementById(id);
  if (!dialog || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  dialog.showModal();
}

function closeDialog(event, inside) {
  const dialog = inside.closest("dialog[open]");
  if (!dialog) return;
  event.preventDefault();
  dialog.close();
}

// A press on the darkened page around a dialog closes it.
document.addEventListener("pointerdown", (event) => {
  const dialog = event.target;
  if (!(dialog instanceof HTMLDialogElement) || !dialog.open) return;
  const box = dialog.getBoundingClientRect();
  const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
  if (outside) dialog.close();
});

// "/" goes to the search field, as in many tools; Escape leaves it.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// The rows that were swapped may have held the focus, on a link that is there no
// more: it stays in the list.
document.addEventListener("htmx:afterSettle", (event) => {
  if (document.activeElement === document.body) event.detail.elt.focus({ preventScroll: true });
});

// The theme changes without loading the page, which may show something once. The
// redirect that answers is for pages without this file and is not followed.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const chosen = event.submitter;
  if (form.id !== "themes" || !chosen) return;
  event.preventDefault();
  try {
    await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, chosen)), redirect: "manual", keepalive: true });
  } catch {
    // without an answer it holds for this page
  }
  showTheme(form, chosen);
});

function showTheme(form, chosen) {
  const before = form.querySelector("[aria-pressed='true']");
  if (chosen === before) return form.hidePopover();
  before.setAttribute("aria-pressed", "false");
  chosen.setAttribute("aria-pressed", "true");
  chosen.append(before.lastElementChild);
  const opener = document.querySelector("[popovertarget='themes']");
  opener.firstElementChild.replaceWith(chosen.firstElementChild.cloneNode(true));
  opener.setAttribute("aria-label", `${form.getAttribute("aria-label")}: ${chosen.textContent.trim()}`);
  document.documentElement.dataset.theme = chosen.value;
  document.querySelector("meta[name='color-scheme']").content = chosen.value === "auto" ? "light dark" : chosen.value;
  form.hidePopover();
}

// What a form with data-download sends back is a file, and the page stays: it is shown
// anew, because it says what held before. A refusal is a page, or leads to one.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const chosen = event.submitter;
  if (form.dataset.download === undefined || !chosen) return;
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, chosen)), redirect: "manual" });
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "");
    if (!answer.ok || !name) return location.reload(); // the page says why
    save(await answer.blob(), name[1]);
    htmx.ajax("GET", location.href, { target: "#main", select: "#main", swap: "outerHTML" }); // a reload would lose the file
  } catch {
    location.reload(); // no answer: the browser says so
  }
});

function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// A second press of a button within three seconds does not send a form again.
// After that it does: the answer may have been a download.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 3000);
});

for (const dialog of document.querySelectorAll("dialog[data-open]")) {
  dialog.showModal();
  dialog.querySelector("[aria-invalid]")?.focus();
}
document.querySelector("body[data-wrong] [data-focus]")?.focus();
