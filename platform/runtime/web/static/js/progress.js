// Asks for the page again while the work runs; a redirect to the result is followed by the browser itself.
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

for (;;) {
  const bar = document.querySelector("#progress[data-again]");
  if (!bar) break;
  await wait(document.hidden ? 3000 : 700);
  const answer = await fetch(bar.dataset.again, { headers: { "X-Alpine-Request": "true" }, redirect: "manual" });
  if (answer.type === "opaqueredirect" || !answer.ok) {
    location.assign(bar.dataset.again);
    break;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#progress");
  if (!fresh) continue;
  bar.replaceWith(fresh);
  if (!fresh.dataset.again) document.querySelector("[data-stop]")?.remove();
}
