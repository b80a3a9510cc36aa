// The form's behaviour: conditions, counts, drafts, keys. The server decides again what is said here.
import { conditionsOf } from "./form-conditions.js";
import { comboboxes } from "./combobox.js";
import { draftOf } from "./form-draft.js";
import { followerOf } from "./form-follow.js";
import { layoutOf } from "./form-layout.js";
import { lines } from "./form-lines.js";
import { pasting } from "./form-paste.js";
import { richTexts } from "./rich-text.js";
import { nameWrong } from "./form-wrong.js";
import { senderOf } from "./form-send.js";

const OWN = new Set(["_key", "_version", "_was", "_auto"]);

const json = (root, selector) => JSON.parse(root.querySelector(selector).textContent);
const entries = (form) =>
  [...new FormData(form).entries()].filter(([name, value]) => !OWN.has(name) && typeof value === "string");

document.addEventListener("alpine:init", () => {
  window.Alpine.data("recordForm", () => ({
    fields: {},
    leaving: false,
    sure: false,
    touched: new Set(),

    init() {
      const form = this.$root;
      form.noValidate = true;
      this.form = form;
      this.fields = json(form, "[data-conditions]");
      this.conditions = conditionsOf(form, this.fields, json(form, "[data-context]"));
      lines(form);
      pasting(form);
      comboboxes(form);
      richTexts(form);
      this.first = new Map(this.state());
      this.draft = draftOf(form, () => entries(form));
      this.follower = followerOf(form, this.fields, (found, asked) => this.followed(found, asked));
      this.sender = senderOf(form, () => this.send());
      const restored = this.draft.restore(() => {
        this.cancel();
        location.reload();
      });
      this.conditions.apply();
      if (restored) this.follower.now();
      this.layout = layoutOf(form, (box) => this.check(box));
      form.addEventListener("input", (event) => this.edited(event));
      form.addEventListener("change", (event) => this.edited(event));
      form.addEventListener("focusout", (event) => this.left(event));
      form.addEventListener("submit", (event) => this.submit(event));
      document.addEventListener("keydown", (event) => {
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
          event.preventDefault();
          form.requestSubmit(form.querySelector("[data-save]"));
        }
      });
      window.addEventListener("beforeunload", (event) => {
        if (!this.leaving && form.dataset.leave && this.changed().length > 0) event.preventDefault();
      });
      form.querySelector("[data-cancel]")?.addEventListener("click", () => this.cancel());
      this.say();
    },

    // The value of each field's inputs as one text, by field.
    state() {
      const found = new Map();
      for (const [name, value] of entries(this.form)) {
        if (name.endsWith(".sent")) continue;
        const field = name.split(".")[0];
        found.set(field, `${found.get(field) ?? ""}${value}`);
      }
      return found;
    },

    changed() {
      const now = this.state();
      return Object.keys(this.fields).filter((name) => (now.get(name) ?? "") !== (this.first.get(name) ?? "") && this.fields[name].writable);
    },

    edited(event) {
      const box = event.target.closest("[data-field]");
      this.conditions.apply();
      this.follower.edited(event);
      if (box && (this.touched.has(box.dataset.field) || box.classList.contains("is-wrong"))) this.check(box);
      this.keep();
      this.say();
    },

    followed(found, asked) {
      this.conditions.take(found, asked);
      this.keep();
      this.say();
    },

    left(event) {
      const box = event.target.closest("[data-field]");
      if (!box || box.contains(event.relatedTarget)) return;
      if (event.relatedTarget?.closest(".save, .parts")) return; // what moves under a press is not pressed
      this.touched.add(box.dataset.field);
      this.check(box);
      this.say();
    },

    // Only what is certain without the server: something required is missing, a number is not one.
    check(box) {
      const field = this.fields[box.dataset.field];
      if (!field || box.hidden) return true;
      const value = this.state().get(box.dataset.field) ?? "";
      const number = box.querySelector(":scope > [data-number], :scope > .affix > [data-number]");
      let text = "";
      if (this.conditions.required(box.dataset.field) && value.trim() === "") text = this.form.dataset.fillIn;
      else if (number && number.value.trim() && !/^[^a-wyz]*[0-9０-９][^a-z]*$/i.test(number.value.replace(/[A-Z]{3}/i, "")))
        text = this.form.dataset.notANumber;
      else if (box.querySelector(":scope > .date > [data-unread]")) text = this.form.dataset.notADate;
      this.mark(box, text);
      return text === "";
    },

    mark(box, text) {
      const error = box.querySelector(":scope > .error");
      box.classList.toggle("is-wrong", text !== "");
      error.hidden = text === "";
      error.querySelector("span").textContent = text;
      const control = box.querySelector("input:not([type=hidden]), select, textarea");
      if (!control) return;
      if (text) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
      const described = new Set((control.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
      if (text) described.add(error.id);
      else described.delete(error.id);
      if (described.size) control.setAttribute("aria-describedby", [...described].join(" "));
      else control.removeAttribute("aria-describedby");
    },

    submit(event) {
      const button = event.submitter;
      if (button && (button.name === "_add" || button.name === "_remove")) return;
      if (!this.sure && this.layout.advance()) {
        event.preventDefault();
        return;
      }
      const boxes = [...this.form.querySelectorAll("[data-field]")];
      const wrong = boxes.filter((box) => !this.check(box));
      if (wrong.length > 0) {
        event.preventDefault();
        this.leaving = false;
        this.say();
        this.goTo(wrong[0]);
        return;
      }
      if (this.sure) return;
      event.preventDefault();
      if (!this.leaving) this.sender.attempt();
    },

    // Everything checked and the server within reach: what still follows is waited for, then posted as any form is, once.
    async send() {
      this.leaving = true;
      await this.follower.settled();
      this.sure = true;
      sessionStorage.setItem("dacheng.sent", this.draft.name);
      this.form.setAttribute("aria-busy", "true");
      this.form.requestSubmit(this.form.querySelector("[data-save]"));
      this.sure = false;
      setTimeout(() => { this.leaving = false; this.form.removeAttribute("aria-busy"); }, 10_000);
    },

    // The field's tab or step opened, its control focused.
    goTo(box) {
      this.layout.reveal(box);
      [...box.querySelectorAll("input:not([type=hidden]), select, textarea, button")].find((one) => one.offsetParent !== null)?.focus();
    },

    cancel() {
      this.draft.forget();
      this.sender.stop();
      this.leaving = true;
    },

    say() {
      const { dataset } = this.form;
      const count = this.changed().length;
      const said = this.form.querySelector("[data-changes-said]");
      const text = count ? dataset.changes.replace("{count}", count) : "";
      if (said.textContent !== text) said.textContent = text;
      const wrong = [...this.form.querySelectorAll("[data-field].is-wrong:not([hidden])")];
      document.body.classList.toggle("is-unsaved", count > 0 || wrong.length > 0);
      nameWrong(this.form.querySelector("[data-wrong-said]"), wrong, dataset.toMend, (box) => this.goTo(box));
      this.layout.refresh();
    },

    keep() {
      if (this.changed().length === 0) this.draft.forget();
      else this.draft.keep();
    },
  }));
});
