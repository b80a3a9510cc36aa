// Live figures: a signal says which cards went stale, one request brings them all; without signals, once a minute.
const SETTLES = 1000; // several changes in a row are one renewal
const BEGINS = 3000;
const POLLS = 60000;

class Live {
  constructor(page) {
    this.page = page;
    this.stale = new Set();
    this.said = page.querySelector("[data-live-said]");
    this.begin();
  }

  begin() {
    this.source = new EventSource(this.page.dataset.live);
    this.source.addEventListener("open", () => this.say("on"));
    this.source.addEventListener("stale", (event) => this.mark(event.data.split(",")));
    this.source.addEventListener("gone", () => this.end("gone"));
    this.source.addEventListener("error", () => this.lost());
  }

  lost() {
    this.say("off");
    this.poll ??= setInterval(() => this.mark(this.cards()), POLLS);
  }

  end(said) {
    this.source.close();
    clearInterval(this.poll);
    clearTimeout(this.timer);
    this.over = true;
    if (said) this.say(said);
  }

  say(key) {
    if (key === "on" && this.poll) {
      clearInterval(this.poll);
      this.poll = undefined;
      this.mark(this.cards());
    }
    this.said.hidden = false;
    this.said.className = `live live-${key}`;
    this.said.textContent = this.said.dataset[key];
  }

  cards() {
    return [...this.page.querySelectorAll("[data-card]")].map((card) => card.dataset.card);
  }

  mark(names) {
    for (const name of names) if (name) this.stale.add(name);
    if (document.hidden || this.over || !this.stale.size) return;
    this.timer ??= setTimeout(() => this.renew(), SETTLES);
  }

  async renew() {
    this.timer = undefined;
    const names = [...this.stale];
    this.stale.clear();
    const query = `${this.page.dataset.fresh}&only=${encodeURIComponent(names.join(","))}`;
    try {
      const answer = await fetch(query, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const fresh of found.querySelectorAll("[data-card]")) this.put(fresh);
    } catch {
      for (const name of names) this.stale.add(name); // the next signal or minute brings them
    }
  }

  put(fresh) {
    const card = document.getElementById(fresh.id);
    if (!card) return;
    const focused = card.contains(document.activeElement) ? document.activeElement : null;
    const asTable = card.querySelector(".as-table") !== null;
    card.replaceWith(fresh);
    if (asTable) fresh.querySelector(".chart-box")?.classList.add("as-table");
    if (focused) this.focusLike(fresh, focused);
    fresh.dispatchEvent(new Event("cards:renewed", { bubbles: true }));
  }

  focusLike(card, before) {
    const same = [...card.querySelectorAll("a, button, [tabindex]")].filter((one) => one.tagName === before.tagName);
    const found = same.find((one) => one.textContent === before.textContent) ?? same[0];
    if (found) found.focus({ preventScroll: true });
  }
}

let live;
const begin = () => {
  const page = document.querySelector("[data-live]");
  if (live?.page === page) return;
  live?.end();
  live = page ? new Live(page) : undefined;
};

setTimeout(begin, BEGINS);
document.addEventListener("ajax:merged", () => { if (live) begin(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) live?.mark([]); });
addEventListener("pagehide", () => live?.end());
addEventListener("pageshow", (event) => { if (event.persisted) { live = undefined; begin(); } });
