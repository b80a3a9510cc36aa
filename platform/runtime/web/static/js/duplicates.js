// Warns while a form is filled in that the record may be there already. The server decides what is told.
const WAIT = 400;

document.addEventListener("alpine:init", () => {
  window.Alpine.data("duplicates", () => ({
    init() {
      this.form = this.$root.closest("form");
      this.fields = new Set(this.$root.dataset.fields.split(" "));
      this.form.addEventListener("input", (event) => this.soon(event));
      this.form.addEventListener("change", (event) => this.soon(event));
    },

    soon(event) {
      if (!this.fields.has((event.target.name ?? "").split(".")[0])) return;
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.look(), WAIT);
    },

    async look() {
      const asked = new URLSearchParams({ _id: this.$root.dataset.own });
      for (const [name, value] of new FormData(this.form)) {
        if (this.fields.has(name.split(".")[0]) && typeof value === "string") asked.append(name, value);
      }
      try {
        const answer = await fetch(`${this.$root.dataset.source}?${asked}`, { headers: { "X-Partial": "1" } });
        if (!answer.ok) return;
        const ticked = this.$root.querySelector("[name=_despite]")?.checked ?? false;
        this.$root.innerHTML = await answer.text();
        const box = this.$root.querySelector("[name=_despite]");
        if (box) box.checked = ticked;
      } catch {
        // Offline: the server looks again when the form is saved.
      }
    },
  }));
});
