// Searches that led somewhere are offered again; they stay in this browser and leave with the sign-out.
const MOST = 8;
const form = document.querySelector("#search-form");
const box = document.querySelector("#recent-searches");
const input = form.querySelector("[type=search]");
const key = `dacheng.draft.searches.${form.dataset.user}`; // wiped with the drafts

const kept = () => {
  try {
    const found = JSON.parse(localStorage.getItem(key) || "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
};

const remember = () => {
  const text = input.value.trim();
  if (!text) return;
  localStorage.setItem(key, JSON.stringify([text, ...kept().filter((one) => one !== text)].slice(0, MOST)));
};

const show = () => {
  const found = kept();
  box.hidden = found.length === 0 || input.value.trim() !== "";
  box.querySelector("ul").replaceChildren(
    ...found.map((text) => {
      const item = document.createElement("li");
      item.className = "chip";
      const link = document.createElement("a");
      link.href = `/search?${new URLSearchParams({ q: text })}`;
      link.textContent = text;
      item.append(link);
      return item;
    }),
  );
};

input.addEventListener("keydown", (event) => {
  if (event.key === "Enter") remember();
});
input.addEventListener("input", show);
document.addEventListener("click", (event) => {
  if (event.target.closest("#search-results a")) remember();
});
box.querySelector("button").addEventListener("click", () => {
  localStorage.removeItem(key);
  show();
});
show();
