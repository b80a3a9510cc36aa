// A select of records made searchable: the ARIA combobox pattern over the same select, which keeps the value.
let count = 0;

const option = (id, value, title) => {
  const element = document.createElement("div");
  element.setAttribute("role", "option");
  element.id = id;
  element.dataset.value = value;
  element.textContent = title;
  element.setAttribute("aria-selected", "false");
  return element;
};

class Combobox {
  constructor(box, words) {
    this.box = box;
    this.words = words;
    this.select = box.querySelector("select");
    this.first = [...this.select.options].filter((one) => one.value).map((one) => [one.value, one.text]);
    this.id = `combo-${++count}`;
    this.active = -1;
    this.build();
  }

  build() {
    const { select } = this;
    this.root = document.createElement("span");
    this.root.className = "combo";
    this.input = document.createElement("input");
    this.input.className = "in";
    this.input.setAttribute("role", "combobox");
    this.input.setAttribute("aria-autocomplete", "list");
    this.input.setAttribute("aria-expanded", "false");
    this.input.setAttribute("aria-controls", `${this.id}-list`);
    this.input.autocomplete = "off";
    this.input.placeholder = this.words.search;
    for (const name of ["aria-describedby", "aria-invalid"]) {
      if (select.hasAttribute(name)) this.input.setAttribute(name, select.getAttribute(name));
    }
    this.input.id = select.id;
    select.removeAttribute("id");
    const label = document.querySelector(`label[for="${CSS.escape(this.input.id)}"]`);
    this.list = document.createElement("div");
    this.list.className = "options";
    this.list.id = `${this.id}-list`;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", label ? label.textContent.trim() : this.words.search);
    this.list.hidden = true;
    this.clear = document.createElement("button");
    this.clear.type = "button";
    this.clear.className = "btn btn-quiet btn-icon btn-small clear";
    this.clear.setAttribute("aria-label", this.words.clear);
    this.clear.textContent = "×";
    this.root.append(this.input, this.clear, this.list);
    this.box.prepend(this.root);
    this.box.querySelector(".select").hidden = true;
    this.readonly = select.hasAttribute("data-readonly");
    this.input.readOnly = this.readonly;
    this.show();
    this.listen();
  }

  listen() {
    this.input.addEventListener("input", (event) => {
      event.stopPropagation();
      this.look(this.input.value);
    });
    this.input.addEventListener("change", (event) => event.stopPropagation());
    this.input.addEventListener("click", () => this.begin());
    if (this.box.dataset.for) this.select.form?.addEventListener("change", (event) => this.moved(event));
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("pointerdown", (event) => {
      const chosen = event.target.closest("[role=option]");
      event.preventDefault();
      if (chosen) this.choose(chosen.dataset.value, chosen.textContent);
    });
    this.clear.addEventListener("click", () => {
      this.choose("", "");
      this.input.focus();
    });
    this.select.addEventListener("filled", () => this.show());
  }

  show() {
    const chosen = this.select.selectedOptions[0];
    this.input.value = chosen && chosen.value ? chosen.text : "";
    this.clear.hidden = this.readonly || !this.select.value;
  }

  // The fields of the form that say which records are offered, by the names of their inputs.
  get above() {
    const { base, with: names } = this.box.dataset;
    return (names ?? "").split(" ").filter(Boolean).map((name) => [name, `${base}${name}`]);
  }

  async find(more) {
    const params = new URLSearchParams(more);
    if (this.box.dataset.for) {
      params.set("for", this.box.dataset.for);
      for (const [name, input] of this.above) params.set(`with.${name}`, this.select.form.elements.namedItem(input)?.value ?? "");
    }
    const answer = await fetch(`${this.box.dataset.combo}?${params}`, { headers: { accept: "application/json" } });
    return answer.ok ? (await answer.json()).items.map((one) => [one.id, one.title]) : null;
  }

  async begin() {
    if (!this.box.dataset.for) return this.open(this.first);
    const found = await this.find({ q: "" });
    return found && document.activeElement === this.input ? this.open(found) : undefined;
  }

  async look(text) {
    clearTimeout(this.waiting);
    if (!text.trim()) return this.begin();
    this.waiting = setTimeout(async () => {
      const found = await this.find({ q: text });
      if (found && this.input.value === text) this.open(found);
    }, 150);
    return undefined;
  }

  // What narrows the choice has changed: a record that no longer fits is taken out in sight.
  async moved(event) {
    if (!this.select.value || !this.above.some(([, input]) => event.target.name === input)) return;
    const held = this.select.value;
    const found = await this.find({ id: held });
    if (!found || found.length || this.select.value !== held) return;
    const field = this.box.closest("[data-field]") ?? this.box.parentElement;
    const said = document.createElement("p");
    said.className = "hint";
    said.setAttribute("role", "status");
    said.textContent = this.box.dataset.clearedWord.replace("{options}", this.input.value);
    field.querySelector(":scope > [data-cleared]")?.remove();
    said.dataset.cleared = "";
    field.append(said);
    this.choose("", "");
  }

  open(pairs) {
    if (this.readonly) return;
    this.list.replaceChildren(...pairs.map(([value, title], index) => option(`${this.id}-${index}`, value, title)));
    if (pairs.length === 0) {
      const none = document.createElement("div");
      none.className = "none";
      none.setAttribute("role", "option");
      none.setAttribute("aria-disabled", "true");
      none.textContent = this.words.nothing;
      this.list.append(none);
    }
    this.active = -1;
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  close() {
    if (this.list.hidden) return;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.show();
  }

  choose(value, title) {
    if (value && ![...this.select.options].some((one) => one.value === value)) {
      this.select.add(new Option(title, value));
    }
    this.select.value = value;
    this.close();
    this.show();
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  key(event) {
    const shown = [...this.list.querySelectorAll("[data-value]")];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) return this.begin();
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % Math.max(shown.length, 1);
      shown.forEach((one, index) => one.setAttribute("aria-selected", String(index === this.active)));
      if (shown[this.active]) {
        this.input.setAttribute("aria-activedescendant", shown[this.active].id);
        shown[this.active].scrollIntoView({ block: "nearest" });
      }
    } else if (event.key === "Enter" && !this.list.hidden) {
      event.preventDefault();
      const chosen = shown[this.active] ?? (shown.length === 1 ? shown[0] : null);
      if (chosen) this.choose(chosen.dataset.value, chosen.textContent);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.stopPropagation();
      this.close();
    }
    return undefined;
  }
}

export const comboboxes = (form) => {
  const words = { search: form.dataset.search, nothing: form.dataset.nothing, clear: form.dataset.clear };
  const make = (root) => {
    for (const box of root.querySelectorAll("[data-combo]")) {
      if (!box.dataset.made) {
        box.dataset.made = "yes";
        new Combobox(box, words);
      }
    }
  };
  make(form);
  form.addEventListener("line-added", (event) => make(event.target));
};
