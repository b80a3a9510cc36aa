// Sending a form over a network that comes and goes: nothing is lost, and what is waiting goes out once.
const PROBE = "/static/favicon.svg?reach";
const AGAIN = 10_000;

const reachable = async () => {
  if (!navigator.onLine) return false;
  try {
    const { ok } = await fetch(PROBE, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(5000) });
    return ok;
  } catch {
    return false;
  }
};

// `send` posts the form; while the server cannot be reached it says so and tries again.
export const senderOf = (form, send) => {
  const said = form.querySelector("[data-offline-said]");
  let waiting = false;
  let trying = false;
  let timer = 0;

  const say = (text) => {
    said.hidden = text === "";
    if (said.textContent !== text) said.textContent = text;
  };

  const attempt = async () => {
    if (trying) return;
    trying = true;
    const open = await reachable();
    trying = false;
    clearTimeout(timer);
    if (open) {
      waiting = false;
      say("");
      send();
    } else {
      waiting = true;
      say(form.dataset.offline);
      timer = setTimeout(attempt, AGAIN);
    }
  };

  window.addEventListener("online", () => { if (waiting) attempt(); else say(""); });
  window.addEventListener("offline", () => say(waiting ? form.dataset.offline : form.dataset.offlineKept));
  return { attempt, stop: () => { waiting = false; clearTimeout(timer); say(""); } };
};
