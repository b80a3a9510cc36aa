// A board: cards are dragged (mouse, touch) or sent by their menu; a refused one goes back and says why.
import "../vendor/alpine-sort.min.js";
import "./board-keys.js";

const element = (tag, classes, text = "") => {
  const made = document.createElement(tag);
  made.className = classes;
  made.textContent = text;
  return made;
};

// The heads count anew, and the card's menu offers what leads on from here; a menu in use is left alone.
async function refresh(board, card) {
  const answer = await fetch(location.href, { headers: { "X-Alpine-Request": "true" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const head of fresh.querySelectorAll(".board-head")) {
    const now = document.getElementById(head.id);
    if (now) now.replaceChildren(...head.childNodes);
  }
  const anew = fresh.querySelector(`.board-card[data-id="${card.dataset.id}"]`);
  if (anew && card.querySelector("details[open]")) {
    for (const name of ["version", "state"]) {
      const [now, then] = [card, anew].map((each) => each.querySelector(`form [name=${name}]`));
      if (now && then) now.value = then.value;
    }
  } else if (anew) {
    const focused = card.contains(document.activeElement);
    card.replaceWith(anew);
    if (focused) anew.querySelector("summary, a").focus();
  }
}

function tell(board, text, undo) {
  document.querySelector(".board-notice")?.remove();
  const notice = element("div", "notice tone-good board-notice");
  notice.setAttribute("role", "status");
  const form = document.createElement("form");
  form.method = "post";
  form.action = undo;
  form.append(element("button", "btn btn-small", board.dataset.undo));
  notice.append(element("span", "", text), form);
  document.getElementById("list").before(notice);
}

function refuse(board, card, told) {
  const reason = card.querySelector(".card-reason");
  reason.textContent = told.reason;
  if (told.record) {
    const link = element("a", "", board.dataset.fill);
    link.href = told.record;
    reason.append(" ", link);
  }
  reason.hidden = false;
}

async function move(card, from, to, before) {
  const board = to.closest("[data-board]");
  const { path, state } = board.dataset;
  card.querySelector(".card-reason").hidden = true;
  card.classList.add("is-moving");
  const body = new URLSearchParams({
    field: board.dataset.board,
    value: to.dataset.option,
    version: card.dataset.version,
    state: path + (state ? `?${state}` : ""),
  });
  let saved = false;
  let told = { reason: board.dataset.failed };
  try {
    const options = { method: "POST", body, headers: { accept: "application/json" } };
    const answer = await fetch(`${path}/${card.dataset.id}/place`, options);
    saved = answer.ok;
    told = await answer.json();
  } catch {
    saved = false;
  }
  card.classList.remove("is-moving");
  if (!saved) {
    from.insertBefore(card, before);
    refuse(board, card, told);
    return;
  }
  card.dataset.version = told.version;
  const title = card.querySelector(".board-title > a").textContent;
  tell(board, board.dataset.moved.replace("{title}", title).replace("{to}", to.dataset.label), told.undo);
  await refresh(board, card);
}

let next = null;
document.addEventListener("start", (event) => {
  if (event.item?.matches?.(".board-card")) next = event.item.nextElementSibling;
});
document.addEventListener("end", (event) => {
  if (!event.item?.matches?.(".board-card") || event.from === event.to) return;
  move(event.item, event.from, event.to, next?.parentElement === event.from ? next : null);
});

document.addEventListener("submit", (event) => {
  const card = event.target.closest(".board-card");
  if (!card || !event.submitter) return;
  const from = card.closest("[data-option]");
  const to = card.closest("[data-board]").querySelector(`[data-option="${CSS.escape(event.submitter.value)}"]`);
  if (!to) return;
  event.preventDefault();
  const before = card.nextElementSibling;
  card.querySelector("details").open = false;
  to.prepend(card);
  card.querySelector("summary").focus();
  move(card, from, to, before);
});
