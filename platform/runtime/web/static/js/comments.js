// Comments: typing "@" offers the people who may see the record; the form carries the ids of those mentioned.
class Composer {
  constructor(form) {
    this.form = form;
    this.area = form.querySelector("textarea");
    this.list = form.querySelector(".offered");
    this.kept = form.querySelector("[name=mentions]");
    this.known = new Map(JSON.parse(form.dataset.mentions));
    this.active = -1;
    this.list.id = `${this.area.id}-offered`;
    this.list.setAttribute("aria-label", form.dataset.offered);
    this.area.setAttribute("aria-autocomplete", "list");
    this.area.setAttribute("aria-controls", this.list.id);
    this.area.addEventListener("input", () => this.ask());
    this.area.addEventListener("keydown", (event) => this.key(event));
    this.area.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    form.addEventListener("submit", () => this.keep());
  }

  get typed() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    const found = /(?:^|[\s，。；：（(])@([^\s@]{0,20})$/.exec(before);
    return found ? found[1] : null;
  }

  async ask() {
    const text = this.typed;
    if (text === null) return this.close();
    const asked = (this.asked = {});
    const answer = await fetch(`${this.form.dataset.people}?q=${encodeURIComponent(text)}`, {
      headers: { accept: "application/json" },
    });
    if (!answer.ok) return undefined;
    const { items } = await answer.json();
    return asked === this.asked && this.typed !== null ? this.show(items) : undefined;
  }

  show(items) {
    this.list.replaceChildren(
      ...items.map((one, at) => {
        const option = document.createElement("div");
        option.setAttribute("role", "option");
        option.id = `${this.list.id}-${at}`;
        option.textContent = one.name;
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          this.choose(one);
        });
        return option;
      }),
    );
    this.items = items;
    this.list.hidden = items.length === 0;
    this.mark(items.length ? 0 : -1);
  }

  mark(at) {
    this.active = at;
    [...this.list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    if (at < 0) this.area.removeAttribute("aria-activedescendant");
    else this.area.setAttribute("aria-activedescendant", `${this.list.id}-${at}`);
  }

  key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      this.form.requestSubmit();
      return;
    }
    if (this.list.hidden) return;
    const count = this.list.children.length;
    if (event.key === "ArrowDown") this.mark((this.active + 1) % count);
    else if (event.key === "ArrowUp") this.mark((this.active + count - 1) % count);
    else if (event.key === "Enter" || event.key === "Tab") this.choose(this.items[this.active]);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  choose(one) {
    const at = this.area.selectionStart;
    const start = at - this.typed.length;
    this.area.setRangeText(`${one.name} `, start, at, "end");
    this.known.set(one.id, one.name);
    this.close();
    this.area.focus();
  }

  close() {
    this.asked = null;
    this.list.hidden = true;
    this.mark(-1);
  }

  keep() {
    const named = [...this.known].filter(([, name]) => this.area.value.includes(`@${name}`));
    this.kept.value = named.map(([id]) => id).join(",");
  }
}

const ready = new WeakSet();
const begin = () => {
  for (const form of document.querySelectorAll("form.composer")) {
    if (ready.has(form)) continue;
    ready.add(form);
    new Composer(form);
  }
};
begin();
document.addEventListener("ajax:merged", begin);
new MutationObserver(begin).observe(document.querySelector("main"), { childList: true, subtree: true });
