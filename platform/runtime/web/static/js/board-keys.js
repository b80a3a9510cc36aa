// Boards and calendars by keyboard: arrows go from card to card, `m` opens where one may go, `e` edits it.
const board = () => document.querySelector("[data-board]");
const lists = () => [...board().querySelectorAll("[data-option]")];
const cards = (list) => [...list.querySelectorAll(".board-card")];
const current = () => document.activeElement?.closest(".board-card") ?? null;
const link = (card) => card.querySelector(".board-title > a");
const go = (card) => card && link(card).focus();

// The card beside, in the nearest column or day that has any.
const beside = (card, step) => {
  const from = card.parentElement;
  const all = lists().filter((list) => list === from || cards(list).length > 0);
  const next = cards(all[all.indexOf(from) + step] ?? from);
  return next[Math.min(cards(from).indexOf(card), next.length - 1)];
};

// The card above or below; a calendar's days follow one another.
const along = (card, step) => {
  const all = board().matches(".calendar") ? lists().flatMap(cards) : cards(card.parentElement);
  return all[all.indexOf(card) + step];
};

const turn = (at) => document.querySelectorAll(".calendar-head .row > a")[at]?.click();
const menu = (card) => {
  const found = card.querySelector("details.menu");
  if (!found) return;
  found.open = true;
  found.querySelector(".panel button, .panel input:not([type=hidden])").focus();
};

const onCard = {
  ArrowDown: (card) => go(along(card, 1)),
  ArrowUp: (card) => go(along(card, -1)),
  ArrowRight: (card) => go(beside(card, 1)),
  ArrowLeft: (card) => go(beside(card, -1)),
  m: menu,
  e: (card) => location.assign(`${link(card).getAttribute("href")}/edit`),
};
const anywhere = { PageUp: () => turn(0), PageDown: () => turn(1), t: () => turn(2) };

// Inside a card's menu the arrows go from one place to the next.
const inMenu = (event) => {
  const panel = event.target.closest(".board-card details[open] .panel");
  const items = panel ? [...panel.querySelectorAll(".menu-item")] : [];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || items.length === 0) return;
  event.preventDefault();
  items[(items.indexOf(event.target) + step + items.length) % items.length].focus();
};

document.addEventListener("keydown", (event) => {
  if (!board() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("details[open]")) {
    inMenu(event);
    return;
  }
  if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  if (event.key.length === 1 && localStorage.getItem("dacheng.keys") === "off") return;
  const card = current();
  if (!card && event.target !== document.body && !event.target.closest("[data-board], .calendar-head")) return;
  const begins = !card && (event.key === "ArrowDown" || event.key === "ArrowRight");
  const run = card ? onCard[event.key] : begins && (() => go(lists().flatMap(cards)[0]));
  const turning = board().matches(".calendar") ? anywhere[event.key] : undefined;
  if (!run && !turning) return;
  event.preventDefault();
  if (run) run(card);
  else turning();
});
