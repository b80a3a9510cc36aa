// Records linked to in a list: chips that can be taken away, one more from the search. A hidden line keeps ids and titles.
class Links {
  constructor(root) {
    this.root = root;
    this.kept = root.querySelector("[data-held]");
    this.list = root.querySelector(".choices-list");
    this.add = root.querySelector("select[name$='.add']");
    const boxes = [...this.list.querySelectorAll("input")];
    const pairs = boxes.map((box) => [box.value, box.closest("label").textContent.trim()]);
    this.list.className = "tag-chips";
    this.list.replaceChildren();
    this.write(pairs);
    this.show();
    this.kept.addEventListener("filled", () => this.show());
    this.add.addEventListener("change", (event) => this.chosen(event));
  }

  get pairs() {
    return this.kept.value ? JSON.parse(this.kept.value) : [];
  }

  write(pairs) {
    this.kept.value = pairs.length ? JSON.stringify(pairs) : "";
  }

  set pairs(pairs) {
    this.write(pairs);
    this.show();
    this.kept.dispatchEvent(new Event("input", { bubbles: true }));
  }

  chosen(event) {
    event.stopPropagation();
    const option = this.add.selectedOptions[0];
    if (!option?.value) return;
    const pair = [option.value, option.text];
    this.add.value = "";
    this.add.dispatchEvent(new Event("filled"));
    if (!this.pairs.some(([id]) => id === pair[0])) this.pairs = [...this.pairs, pair];
  }

  show() {
    const { pairs } = this;
    this.list.replaceChildren(...pairs.map((pair) => this.chip(pair)));
    this.root.querySelector(".combo-box").hidden = pairs.length >= Number(this.root.dataset.most);
  }

  chip([id, title]) {
    const chip = document.createElement("span");
    chip.className = "tag";
    chip.textContent = title;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", this.root.dataset.removeWord.replace("{title}", title));
    remove.addEventListener("click", () => {
      this.pairs = this.pairs.filter(([each]) => each !== id);
      (this.root.querySelector("[role=combobox]") ?? this.add).focus();
    });
    chip.append(remove);
    return chip;
  }
}

const prepare = (root) => {
  if (root.querySelector("select[name$='.add']")) new Links(root);
};

document.addEventListener("line-added", (event) => event.target.querySelectorAll("[data-links]").forEach(prepare));
document.querySelectorAll("[data-links]").forEach(prepare);
