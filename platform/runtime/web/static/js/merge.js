// The search for the other record: the select becomes a combobox.
import { comboboxes } from "./combobox.js";

document.addEventListener("alpine:init", () => {
  window.Alpine.data("pick", () => ({
    init() {
      comboboxes(this.$root);
    },
  }));
});
