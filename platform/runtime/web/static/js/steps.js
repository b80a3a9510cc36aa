// What a step asks for is filled in with the same controls as in a form: links are searched, texts are laid out.
import { comboboxes } from "./combobox.js";
import { richTexts } from "./rich-text.js";

for (const form of document.querySelectorAll(".step-form")) {
  comboboxes(form);
  richTexts(form);
}
