// A small editor over a text area of HTML. Only a few tags ever enter the page: whatever is pasted or kept as a
// draft is copied node by node, and the server cleans what is saved once more.
const TAGS = new Set(["P", "BR", "B", "STRONG", "I", "EM", "U", "S", "H3", "H4", "UL", "OL", "LI", "BLOCKQUOTE", "CODE", "PRE", "HR", "A"]);
const GONE = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "SVG", "MATH", "TITLE", "TEXTAREA", "NOSCRIPT"]);
const SCHEMES = /^(https?:|mailto:|tel:)/i;

const copy = (from, to) => {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    else if (node.nodeType === Node.ELEMENT_NODE && !GONE.has(node.tagName.toUpperCase())) {
      const tag = node.tagName === "DIV" ? "P" : node.tagName;
      const kept = TAGS.has(tag) ? document.createElement(tag) : null;
      if (kept && tag === "A" && SCHEMES.test(node.getAttribute("href") ?? "")) kept.href = node.getAttribute("href");
      copy(node, kept ?? to);
      if (kept) to.append(kept);
    }
  }
};

// Safe without it: handlers are never copied. It keeps the browser from reporting those it refuses while it parses.
const quiet = (html) => html.replace(/<[^>]*>/g, (tag) => tag.replace(/([\s"'/])on[a-z]+\s*=/gi, "$1data-gone="));

const harmless = (html) => {
  const found = document.createDocumentFragment();
  const inert = document.createElement("template"); // its content belongs to a document in which nothing runs or loads
  inert.innerHTML = quiet(html);
  copy(inert.content, found);
  return found;
};

const paragraphs = (text) => {
  const found = document.createDocumentFragment();
  for (const part of text.split(/\n\s*\n/)) {
    const one = document.createElement("p");
    part.split("\n").forEach((line, at) => one.append(...(at ? [document.createElement("br"), line] : [line])));
    found.append(one);
  }
  return found;
};

const read = (text) => (/<[a-z/!?]/i.test(text) ? harmless(text) : paragraphs(text));
const run = (command, value) => document.execCommand(command, false, value);

const COMMANDS = {
  bold: () => run("bold"),
  italic: () => run("italic"),
  heading: () => run("formatBlock", inside("H3") ? "p" : "h3"),
  bullets: () => run("insertUnorderedList"),
  numbers: () => run("insertOrderedList"),
  quote: () => run("formatBlock", inside("BLOCKQUOTE") ? "p" : "blockquote"),
  plain: () => { run("removeFormat"); run("unlink"); run("formatBlock", "p"); },
  link(box) {
    if (inside("A")) return run("unlink");
    const address = window.prompt(box.dataset.linkAsked, "https://");
    if (address && SCHEMES.test(address)) run("createLink", address);
    return undefined;
  },
};

const inside = (tag) => {
  const at = document.getSelection()?.anchorNode;
  return (at instanceof Element ? at : at?.parentElement)?.closest(tag) ?? null;
};

const STATES = {
  bold: () => document.queryCommandState("bold"),
  italic: () => document.queryCommandState("italic"),
  heading: () => inside("H3") !== null,
  bullets: () => document.queryCommandState("insertUnorderedList"),
  numbers: () => document.queryCommandState("insertOrderedList"),
  quote: () => inside("BLOCKQUOTE") !== null,
  link: () => inside("A") !== null,
};

const attach = (box) => {
  const area = box.querySelector("textarea");
  const bar = box.querySelector(".rich-bar");
  const label = document.getElementById(`${area.id}-label`);
  const editor = document.createElement("div");
  editor.id = `${area.id}-rich`;
  editor.className = "in rich";
  editor.setAttribute("role", "textbox");
  editor.setAttribute("aria-multiline", "true");
  if (label) editor.setAttribute("aria-labelledby", label.id);
  editor.contentEditable = area.readOnly ? "false" : "true";
  editor.tabIndex = 0;
  const show = () => {
    editor.replaceChildren(read(area.value));
    if (!editor.textContent.trim()) editor.innerHTML = "<p><br></p>"; // a line to write in, so that words stand in a paragraph
  };
  const keep = () => {
    area.value = editor.textContent.trim() ? editor.innerHTML : "";
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };
  show();
  area.hidden = true;
  bar.hidden = area.readOnly;
  area.after(editor);
  label?.addEventListener("click", () => editor.focus());
  area.addEventListener("focus", () => editor.focus());
  area.addEventListener("filled", show);
  editor.addEventListener("focus", () => run("defaultParagraphSeparator", "p"));
  editor.addEventListener("input", (event) => { event.stopPropagation(); keep(); });
  editor.addEventListener("paste", (event) => {
    event.preventDefault();
    const html = event.clipboardData.getData("text/html");
    const holder = document.createElement("div");
    holder.append(html ? harmless(html) : paragraphs(event.clipboardData.getData("text/plain")));
    run("insertHTML", holder.innerHTML);
  });
  editor.addEventListener("drop", (event) => event.preventDefault());
  bar.addEventListener("mousedown", (event) => event.preventDefault());
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-rich]");
    if (!button) return;
    editor.focus();
    COMMANDS[button.dataset.rich](box);
    keep();
    states();
  });
  const states = () => {
    for (const button of bar.querySelectorAll("[data-rich]")) {
      const state = STATES[button.dataset.rich];
      if (state) button.setAttribute("aria-pressed", String(document.activeElement === editor && state()));
    }
  };
  document.addEventListener("selectionchange", states);
};

export const richTexts = (root) => {
  for (const box of root.querySelectorAll("[data-rich-text]")) attach(box);
};
