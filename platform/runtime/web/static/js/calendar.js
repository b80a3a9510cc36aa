// The calendar of a date input: a grid of days in a dialog, a sheet on phones; weeks start on Monday.
import { clockOf, plus, plusMonths, today, weekday } from "./day-text.js";

const GAP = 4;
const HEIGHT = 372;

const make = (name, attributes = {}, children = []) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const said = (day, options) => new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: "UTC", ...options }).format(new Date(`${day}T00:00Z`));

const arrow = (label, name) => {
  const use = document.querySelector("[data-calendar] use")?.getAttribute("href") ?? "";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon icon-s");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("href", use.replace("#calendar", `#${name}`));
  svg.append(path);
  return make("button", { type: "button", class: "btn btn-quiet btn-icon btn-small", "aria-label": label }, [svg]);
};

class Calendar {
  constructor(box, input, choose) {
    const words = box.dataset.words.split("|");
    [this.input, this.choose, this.box, this.words] = [input, choose, box, words];
    this.timed = box.dataset.date === "instant";
    this.now = today(box.dataset.zone);
    const [day, clock] = input.value.split(" ");
    this.chosen = /^\d{4}-\d{2}-\d{2}$/.test(day) ? day : "";
    this.at = this.chosen || this.now;
    this.clock = clock ?? box.dataset.clock;
    this.dialog = this.build();
  }

  build() {
    const [choose, previous, next, now, clear, done, clock] = this.words;
    this.title = make("h2", { id: "day-picker-title", "aria-live": "polite" });
    const back = arrow(previous, "left");
    const on = arrow(next, "chev");
    back.addEventListener("click", () => this.turn(plusMonths(this.at, -1), false));
    on.addEventListener("click", () => this.turn(plusMonths(this.at, 1), false));
    const monday = plus(this.now, -weekday(this.now));
    const heads = Array.from({ length: 7 }, (_, at) => {
      const day = plus(monday, at);
      return make("th", { scope: "col", abbr: said(day, { weekday: "long" }) }, [said(day, { weekday: "narrow" })]);
    });
    this.body = make("tbody");
    const grid = make("table", { role: "grid", "aria-labelledby": "day-picker-title" }, [make("thead", {}, [make("tr", {}, heads)]), this.body]);
    grid.addEventListener("keydown", (event) => this.key(event));
    grid.addEventListener("click", (event) => event.target.closest("[data-day]") && this.pick(event.target.closest("[data-day]").dataset.day));
    const button = (label, run, kind = "btn-quiet") => {
      const made = make("button", { type: "button", class: `btn btn-small ${kind}` }, [label]);
      made.addEventListener("click", run);
      return made;
    };
    const foot = make("div", { class: "day-picker-foot" }, [button(now, () => this.pick(this.now)), button(clear, () => this.give(""))]);
    if (this.timed) foot.append(this.time(clock), button(done, () => this.give(this.chosen || this.at), "btn-primary"));
    const dialog = make("dialog", { class: "day-picker", "aria-label": choose }, [make("div", { class: "day-picker-head" }, [back, this.title, on]), grid, foot]);
    dialog.addEventListener("click", (event) => event.target === dialog && this.close());
    dialog.addEventListener("keydown", (event) => {
      event.stopPropagation(); // keys of the page behind sleep
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.close();
    });
    dialog.addEventListener("close", () => dialog.remove());
    for (const name of ["input", "change", "focusout"]) dialog.addEventListener(name, (event) => event.stopPropagation());
    return dialog;
  }

  time(label) {
    this.hour = make("input", { class: "in", maxlength: "20", "aria-label": label, autocomplete: "off" });
    this.hour.value = this.clock;
    this.hour.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.give(this.chosen || this.at);
    });
    return this.hour;
  }

  show() {
    this.box.append(this.dialog);
    const place = this.input.getBoundingClientRect();
    const above = place.bottom + HEIGHT > innerHeight && place.top > HEIGHT;
    this.dialog.style.setProperty("--left", `${Math.max(8, Math.min(place.left, innerWidth - 300))}px`);
    this.dialog.style.setProperty("--top", `${above ? place.top - HEIGHT - GAP : Math.max(8, Math.min(place.bottom + GAP, innerHeight - HEIGHT))}px`);
    this.dialog.showModal();
    this.turn(this.at);
  }

  turn(day, focus = true) {
    if (day < "0001-01-01" || day > "9999-12-31") return;
    this.at = day;
    this.title.textContent = said(day, { year: "numeric", month: "long" });
    const first = `${day.slice(0, 8)}01`;
    const start = plus(first, -weekday(first));
    const weeks = Array.from({ length: 6 }, (_, week) => make("tr", {}, Array.from({ length: 7 }, (__, on) => this.cell(plus(start, week * 7 + on)))));
    this.body.replaceChildren(...weeks);
    if (focus) this.body.querySelector('[tabindex="0"]').focus();
  }

  cell(day) {
    const made = make("td", { role: "gridcell", "data-day": day, tabindex: day === this.at ? "0" : "-1", "aria-selected": String(day === this.chosen), "aria-label": said(day, { dateStyle: "full" }) }, [String(Number(day.slice(8)))]);
    if (day === this.now) made.setAttribute("aria-current", "date");
    if (day.slice(0, 7) !== this.at.slice(0, 7)) made.classList.add("other");
    return made;
  }

  key(event) {
    const { at } = this;
    const year = event.shiftKey ? 12 : 1;
    const to = {
      ArrowLeft: () => plus(at, -1), ArrowRight: () => plus(at, 1), ArrowUp: () => plus(at, -7), ArrowDown: () => plus(at, 7),
      PageUp: () => plusMonths(at, -year), PageDown: () => plusMonths(at, year),
      Home: () => plus(at, -weekday(at)), End: () => plus(at, 6 - weekday(at)),
    }[event.key];
    if (to) this.turn(to());
    else if (event.key === "Enter" || event.key === " ") this.pick(at);
    else return;
    event.preventDefault();
  }

  pick(day) {
    if (!this.timed) return this.give(day);
    this.chosen = day;
    this.turn(day, false);
    return this.hour.focus();
  }

  give(day) {
    const clock = this.timed ? ` ${clockOf(this.hour.value) ?? this.clock}` : "";
    this.choose(day && `${day}${clock}`);
    this.close();
  }

  close() {
    this.dialog.close();
    this.input.focus();
  }
}

export const openCalendar = (box, input, choose) => new Calendar(box, input, choose).show();
