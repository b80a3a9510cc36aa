// The shell's own behaviour: keys, menus that close, drafts wiped at sign-out.
const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open], .tabbar details[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (localStorage.getItem("dacheng.keys") === "off") return; // single keys can be turned off (WCAG 2.1.4)
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (target && target.offsetParent !== null) {
    event.preventDefault();
    if (target.matches("a, button")) target.click();
    else target.focus();
  }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], .tabbar details[open]")) {
    if (!event.composedPath().includes(menu)) menu.open = false; // what was clicked may be drawn anew by now
  }
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-wipe]")) return;
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith("dacheng.draft.")) localStorage.removeItem(key);
  }
});

for (const element of document.querySelectorAll("[data-focus]")) element.focus();

// A form that was sent and did not come back was saved: its draft is done with.
const sent = sessionStorage.getItem("dacheng.sent");
if (sent) {
  sessionStorage.removeItem("dacheng.sent");
  if (!document.querySelector(".record-form")) localStorage.removeItem(sent);
}

// What is left empty stays out of a list's address.
document.addEventListener("formdata", (event) => {
  if (!event.target.closest("[data-autosubmit], .builder")) return;
  for (const [name, value] of [...event.formData.entries()]) if (value === "") event.formData.delete(name);
});

// Selects in a list's tools apply at once; typing applies when it pauses.
let waiting;
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-autosubmit]");
  if (form && event.target.matches("select")) form.requestSubmit();
});
document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-autosubmit]");
  if (!form || !event.target.matches("[type=search]")) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => form.requestSubmit(), 350);
});
