// Spoken notes: recorded where the browser can, else chosen from the device.
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const LONGEST = 10 * 60;

export const voice = (box, upload, say) => {
  const button = box.querySelector("[data-record]");
  const clock = box.querySelector("[data-clock]");
  const word = button.querySelector("span");
  const start = word.textContent;
  if (!window.MediaRecorder || !navigator.mediaDevices) return;
  button.hidden = false;
  let recorder = null;
  let ticking = 0;

  const quiet = () => {
    clearInterval(ticking);
    clock.hidden = true;
    button.setAttribute("aria-pressed", "false");
    word.textContent = start;
    recorder = null;
  };

  const record = async () => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      say(box, button.dataset.noDevice, true);
      return;
    }
    const type = TYPES.find((each) => MediaRecorder.isTypeSupported(each)) ?? "";
    recorder = new MediaRecorder(stream, type ? { mimeType: type } : {});
    const parts = [];
    const from = Date.now();
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => {
      stream.getTracks().forEach((track) => track.stop());
      const kind = (recorder.mimeType || "audio/webm").split(";")[0];
      const ending = { "audio/ogg": "ogg", "audio/mp4": "m4a" }[kind] ?? "weba";
      quiet();
      upload(box, [new File(parts, `voice.${ending}`, { type: kind })], "microphone");
    });
    recorder.start();
    button.setAttribute("aria-pressed", "true");
    word.textContent = button.dataset.stopWord;
    clock.textContent = "0:00";
    clock.hidden = false;
    say(box, "");
    ticking = setInterval(() => {
      const seconds = Math.floor((Date.now() - from) / 1000);
      clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (seconds >= LONGEST) recorder.stop();
    }, 500);
  };

  button.addEventListener("click", () => (recorder ? recorder.stop() : record()));
};
