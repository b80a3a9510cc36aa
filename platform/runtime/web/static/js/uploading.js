// A file's way out: how far it is stands in a row, a button stops it, another tries again after a dropped network.
const STEPS = 100;

const element = (tag, name, more = {}) => Object.assign(document.createElement(tag), { className: name, ...more });

const button = (text, name, press) => {
  const made = element("button", `btn btn-small ${name}`, { type: "button", textContent: text });
  made.addEventListener("click", press);
  return made;
};

// The row of one file on its way; `words` are the sentences of its place, with `{name}` in some.
const rowOf = (name, words, stop, again) => {
  const row = element("li", "upload");
  const title = element("span", "clip grow", { textContent: name });
  const said = element("span", "small num upload-said");
  const bar = element("progress", "upload-bar", { max: STEPS, value: 0 });
  bar.setAttribute("aria-label", words.onWay.replace("{name}", name));
  const cancel = button(words.stop, "btn-quiet", stop);
  cancel.setAttribute("aria-label", words.stopNamed.replace("{name}", name));
  const retry = button(words.retry, "", again);
  row.append(title, said, retry, cancel, bar);
  const going = () => {
    row.classList.remove("is-bad");
    retry.hidden = true;
    bar.hidden = false;
    bar.value = 0;
    said.removeAttribute("role");
    said.textContent = "0%";
  };
  const at = (share) => {
    bar.value = Math.floor(share * STEPS);
    said.textContent = `${bar.value}%`;
  };
  const failed = () => {
    row.classList.add("is-bad");
    said.setAttribute("role", "alert");
    said.textContent = words.failed;
    bar.hidden = true;
    retry.hidden = false;
  };
  return { row, going, at, failed };
};

const post = (address, body, at, done) => {
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) at(event.loaded / event.total); });
  request.addEventListener("load", () => done({ status: request.status, text: request.responseText }));
  request.addEventListener("error", () => done(null));
  request.open("POST", address);
  request.setRequestHeader("Accept", "application/json");
  request.send(body);
  return request;
};

/** Sends a body and shows its way in a list: the answer's status and text, or null when somebody stopped it. */
export const sent = (list, name, words, address, body) =>
  new Promise((finish) => {
    let request = null;
    let failed = false;
    const leave = (answer) => {
      window.removeEventListener("online", back);
      shown.row.remove();
      finish(answer);
    };
    const start = () => {
      failed = false;
      shown.going();
      request = post(address, body, shown.at, (answer) => {
        if (answer && answer.status) return leave(answer);
        failed = true;
        return shown.failed();
      });
    };
    const back = () => { if (failed) start(); };
    const shown = rowOf(name, words, () => {
      request?.abort();
      leave(null);
    }, start);
    window.addEventListener("online", back);
    list.append(shown.row);
    start();
  });

/** What a refusal says, in the words of the server; empty when it has none. */
export const reason = (answer) => {
  try {
    const first = JSON.parse(answer.text).problems?.[0];
    return first ? [first.message, first.hint].filter(Boolean).join(" ") : "";
  } catch {
    return "";
  }
};

/** The sentences of a place's data attributes. */
export const wordsOf = ({ dataset }) => ({
  onWay: dataset.onWay,
  stop: dataset.stop,
  stopNamed: dataset.stopNamed,
  retry: dataset.retry,
  failed: dataset.failed,
});
