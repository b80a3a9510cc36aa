// Days, instants and times: what was typed is put in order on leaving, a calendar opens beside it.
import { clockOf, dayOf, instantOf, today } from "./day-text.js";
import { openCalendar } from "./calendar.js";

const QUARTER = 15;

const announce = (input, value) => {
  if (input.value === value) return;
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
};

const ordered = (input) => {
  if ("time" in input.dataset) return clockOf(input.value);
  const { date, zone, clock } = input.closest("[data-date]").dataset;
  return date === "day" ? dayOf(input.value, today(zone)) : instantOf(input.value, zone, clock);
};

const tidy = (input) => {
  const value = input.value.trim() ? ordered(input) : "";
  input.toggleAttribute("data-unread", value === null);
  if (value !== null) announce(input, value);
};

const DATED = "[data-date] > input, input[data-time]";
const typedIn = (event) => (event.target instanceof Element && event.target.matches(DATED) && !event.target.readOnly ? event.target : null);

const open = (box) => {
  const input = box.querySelector("input");
  if (input.disabled || input.readOnly) return;
  tidy(input);
  openCalendar(box, input, (value) => {
    input.removeAttribute("data-unread");
    announce(input, value);
  });
};

const step = (input, minutes) => {
  const [hour, minute] = (clockOf(input.value) ?? "09:00").split(":").map(Number);
  const at = (Math.round((hour * 60 + minute + minutes) / QUARTER) * QUARTER + 1440) % 1440;
  announce(input, `${String(Math.floor(at / 60)).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`);
};

// Before anybody else hears of it, so that a form judges what is in order.
document.addEventListener("focusout", (event) => typedIn(event) && tidy(event.target), true);
document.addEventListener("keydown", (event) => {
  const input = typedIn(event);
  if (!input) return;
  if (event.key === "Enter" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s")) tidy(input);
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if ("time" in input.dataset) step(input, event.key === "ArrowUp" ? QUARTER : -QUARTER);
  else if (event.key === "ArrowDown") open(input.parentElement);
  else return;
  event.preventDefault();
}, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-calendar]");
  if (button) open(button.parentElement);
});
