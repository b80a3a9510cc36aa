// A form's sections as tabs or as steps; without scripts they stand one below the other.
const PLAIN = { reveal() {}, refresh() {}, advance: () => false };
const MOVES = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

const button = (text, name) => {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.textContent = text;
  return made;
};

const boxes = (section) => [...section.querySelectorAll("[data-field]")];

export const layoutOf = (form, check) => {
  const mode = form.dataset.layout;
  const sections = [...form.querySelectorAll(":scope > .section:not(.consent)")];
  if ((mode !== "tabs" && mode !== "steps") || sections.length < 2) return PLAIN;
  const save = form.querySelector("[data-save]");
  const steps = mode === "steps";
  let at = sections.find((one) => one.querySelector(".is-wrong")) ?? sections.find((one) => !one.hidden);

  const bar = document.createElement("div");
  bar.className = `parts is-${mode}`;
  const heads = new Map();
  sections.forEach((section, index) => {
    const title = section.querySelector(".section-head h2")?.textContent ?? String(index + 1);
    const head = button(title, "part");
    head.id = `part-${index}`;
    section.id ||= `panel-${index}`;
    head.setAttribute("aria-controls", section.id);
    if (!steps) {
      head.setAttribute("role", "tab");
      section.setAttribute("role", "tabpanel");
      section.setAttribute("aria-labelledby", head.id);
    }
    head.addEventListener("click", () => go(section, true));
    heads.set(section, head);
    bar.append(head);
  });
  if (!steps) bar.setAttribute("role", "tablist");
  const said = document.createElement("p");
  said.className = "step-said";
  said.setAttribute("role", "status");
  const back = button(form.dataset.back, "btn");
  const next = button(form.dataset.next, "btn btn-primary");
  form.prepend(bar);
  if (steps) {
    bar.after(said);
    save.before(back, next);
  }

  const open = () => sections.filter((one) => !one.hidden);

  const refresh = () => {
    const shown = open();
    if (at.hidden && shown.length) at = shown[0];
    for (const section of sections) {
      const head = heads.get(section);
      const wrong = section.querySelector("[data-field].is-wrong:not([hidden])") !== null;
      section.classList.toggle("is-folded", section !== at);
      head.hidden = section.hidden;
      head.classList.toggle("is-wrong", wrong);
      if (steps) {
        if (section === at) head.setAttribute("aria-current", "step");
        else head.removeAttribute("aria-current");
      } else {
        head.setAttribute("aria-selected", String(section === at));
        head.tabIndex = section === at ? 0 : -1;
      }
    }
    if (!steps) return;
    const index = shown.indexOf(at);
    const text = form.dataset.step.replace("{at}", index + 1).replace("{count}", shown.length);
    if (said.textContent !== text) said.textContent = text;
    back.hidden = index <= 0;
    next.hidden = index === shown.length - 1;
    save.hidden = !next.hidden;
    for (const one of form.querySelectorAll(":scope > .consent")) one.classList.toggle("is-folded", !next.hidden);
  };

  // A step is left forwards only when what it asks for is there.
  const passes = (target) => {
    const shown = open();
    const [from, to] = [shown.indexOf(at), shown.indexOf(target)];
    for (const section of steps ? shown.slice(from, Math.max(from, to)) : []) {
      const wrong = boxes(section).filter((box) => !check(box));
      if (wrong.length === 0) continue;
      at = section;
      refresh();
      wrong[0].querySelector("input:not([type=hidden]), select, textarea")?.focus();
      return false;
    }
    return true;
  };

  const go = (section, focus) => {
    if (!passes(section)) return;
    at = section;
    refresh();
    if (focus && steps) section.querySelector("input:not([type=hidden]):not([disabled]), select, textarea")?.focus();
    else if (focus) heads.get(section).focus();
  };

  const beside = (by) => {
    const shown = open();
    return shown[(shown.indexOf(at) + by + shown.length) % shown.length];
  };

  const reveal = (element) => {
    const section = sections.find((one) => one.contains(element));
    if (!section) return;
    at = section;
    refresh();
  };

  // Saving before the last step goes one step on instead.
  const advance = () => {
    if (!steps || next.hidden) return false;
    go(beside(1), true);
    return true;
  };

  back.addEventListener("click", () => go(beside(-1), true));
  next.addEventListener("click", () => go(beside(1), true));
  bar.addEventListener("keydown", (event) => {
    if (steps || !(event.key in MOVES)) return;
    event.preventDefault();
    go(beside(MOVES[event.key]), true);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#f-"]');
    const field = link && document.getElementById(link.hash.slice(1));
    if (field) reveal(field);
  }, true);
  refresh();
  return { reveal, refresh, advance };
};
