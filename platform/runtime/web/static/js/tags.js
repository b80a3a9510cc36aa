// A line of tags as chips: typed, pasted or taken from those in use. The line itself keeps the value.
const SPLIT = /[、;；\n]/;
let count = 0;

class Tags {
  constructor(box) {
    this.box = box;
    this.kept = box.querySelector("input");
    this.id = `tags-${++count}`;
    this.active = -1;
    this.build();
    this.show();
  }

  get tags() {
    return this.kept.value.split(SPLIT).map((each) => each.trim()).filter(Boolean);
  }

  set tags(found) {
    this.kept.value = [...new Set(found)].join("、");
    this.show();
    this.kept.dispatchEvent(new Event("input", { bubbles: true }));
  }

  build() {
    const { kept } = this;
    this.input = document.createElement("input");
    this.input.id = kept.id;
    this.input.autocomplete = "off";
    this.input.placeholder = kept.placeholder;
    for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": this.id, "aria-autocomplete": "list" })) {
      this.input.setAttribute(name, value);
    }
    if (kept.hasAttribute("aria-describedby")) this.input.setAttribute("aria-describedby", kept.getAttribute("aria-describedby"));
    kept.removeAttribute("id");
    this.chips = document.createElement("span");
    this.chips.className = "tag-chips";
    this.list = document.createElement("div");
    this.list.className = "options";
    this.list.id = this.id;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", this.box.closest("[data-field]")?.querySelector("label")?.textContent.trim() ?? kept.placeholder);
    this.list.hidden = true;
    this.line = document.createElement("span");
    this.line.className = "in tag-line";
    this.line.append(this.chips, this.input);
    this.box.prepend(this.line, this.list);
    this.box.append(kept);
    kept.hidden = true;
    this.line.addEventListener("click", () => this.input.focus());
    this.input.addEventListener("input", (event) => this.typed(event));
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("focus", () => this.look());
    this.input.addEventListener("blur", () => {
      this.add(this.input.value);
      this.close();
    });
    kept.addEventListener("filled", () => this.show());
  }

  show() {
    this.chips.replaceChildren(...this.tags.map((tag) => this.chip(tag)));
  }

  chip(tag) {
    const chip = document.createElement("span");
    chip.className = "tag";
    chip.textContent = tag;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", this.box.dataset.removeWord.replace("{tag}", tag));
    remove.addEventListener("mousedown", (event) => event.preventDefault());
    remove.addEventListener("click", (event) => {
      event.stopPropagation();
      this.tags = this.tags.filter((each) => each !== tag);
      this.input.focus();
    });
    chip.append(remove);
    return chip;
  }

  add(text) {
    const more = text.split(SPLIT).map((each) => each.trim()).filter(Boolean);
    this.input.value = "";
    if (more.length) this.tags = [...this.tags, ...more];
  }

  typed(event) {
    event.stopPropagation();
    if (SPLIT.test(this.input.value)) this.add(this.input.value);
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.look(), 150);
  }

  async look() {
    const text = this.input.value.trim();
    const asked = (this.asked = (this.asked ?? 0) + 1);
    let items = [];
    try {
      const answer = await fetch(`${this.box.dataset.tags}?q=${encodeURIComponent(text)}`, { headers: { accept: "application/json" } });
      if (answer.ok) items = (await answer.json()).items;
    } catch {
      items = [];
    }
    if (asked !== this.asked || document.activeElement !== this.input) return;
    const held = new Set(this.tags);
    this.offer(items.filter((each) => !held.has(each)), text && !held.has(text) && !items.includes(text) ? text : "");
  }

  offer(items, fresh) {
    const option = (tag, words) => {
      const element = document.createElement("div");
      element.setAttribute("role", "option");
      element.setAttribute("aria-selected", "false");
      element.id = `${this.id}-${tag}`;
      element.textContent = words;
      element.addEventListener("mousedown", (event) => {
        event.preventDefault();
        this.add(tag);
        this.look();
      });
      element.dataset.tag = tag;
      return element;
    };
    const shown = items.map((tag) => option(tag, tag));
    if (fresh) shown.push(option(fresh, this.box.dataset.addWord.replace("{tag}", fresh)));
    this.list.replaceChildren(...shown);
    this.list.hidden = shown.length === 0;
    this.active = -1;
    this.input.setAttribute("aria-expanded", String(shown.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  close() {
    this.asked = (this.asked ?? 0) + 1;
    this.offer([], "");
  }

  key(event) {
    const options = [...this.list.children];
    if (event.key === "Enter") {
      event.preventDefault(); // a tag is done, not the form
      if (this.active < 0 && !this.input.value.trim()) return;
      this.add(this.active >= 0 ? options[this.active].dataset.tag : this.input.value);
      this.look();
    } else if (event.key === "Backspace" && !this.input.value) {
      this.tags = this.tags.slice(0, -1);
    } else if (event.key === "Escape") {
      this.close();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      event.preventDefault();
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length;
      options.forEach((each, at) => each.setAttribute("aria-selected", String(at === this.active)));
      this.input.setAttribute("aria-activedescendant", options[this.active].id);
    }
  }
}

const prepare = (box) => {
  if (!box.querySelector("input").readOnly) new Tags(box);
};

document.addEventListener("line-added", (event) => event.target.querySelectorAll("[data-tags]").forEach(prepare));
document.querySelectorAll("[data-tags]").forEach(prepare);
