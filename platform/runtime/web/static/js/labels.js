// While a term is typed, the sentences that use it are shown as they would read.
const PLACE = /\{term:([a-z][a-z0-9_]*)((?:\|(?:plural|title))*)\}/g;

function reading(source, term, forms) {
  return source.replace(PLACE, (whole, name, modifiers) => {
    if (name !== term) return whole;
    const words = modifiers.includes("plural") ? forms.plural || forms.one : forms.one;
    return modifiers.includes("title") ? words.charAt(0).toUpperCase() + words.slice(1) : words;
  });
}

for (const article of document.querySelectorAll("[data-term]")) {
  article.addEventListener("input", () => {
    const forms = { one: "", plural: "" };
    for (const input of article.querySelectorAll("[data-form]")) forms[input.dataset.form] = input.value;
    article.querySelector("details").open = true;
    for (const use of article.querySelectorAll("[data-source]")) {
      use.textContent = reading(use.dataset.source, article.dataset.term, forms);
    }
  });
}
