// The camera of a computer: a phone's own camera opens by itself, a computer's only through a picture in the page.
const stamp = () => new Date().toISOString().replace(/[-:T]/g, "").slice(0, 14);

// Show what the camera sees in a dialog's video; answers how to end it, or null where there is no camera.
export const look = async (dialog, facing = "environment") => {
  const video = dialog.querySelector("[data-video]");
  const without = dialog.querySelector("[data-no-device]");
  dialog.showModal();
  without.hidden = true;
  video.hidden = false;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing, width: { ideal: 1920 } } });
    const end = () => stream.getTracks().forEach((track) => track.stop());
    dialog.addEventListener("close", end, { once: true });
    if (!dialog.open) end();
    video.srcObject = stream;
    await video.play();
    return video;
  } catch {
    without.hidden = false;
    video.hidden = true;
    return null;
  }
};

export const frame = (video, type = "image/jpeg") => {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((done) => { canvas.toBlob(done, type, 0.9); });
};

export const camera = (box, upload) => {
  const input = box.querySelector("input[type=file]");
  const dialog = box.querySelector("[data-camera]");
  const shoot = dialog.querySelector("[data-shoot]");
  const fine = window.matchMedia("(hover: hover) and (pointer: fine)");
  let video = null;
  input.addEventListener("click", async (event) => {
    if (!fine.matches) return;
    event.preventDefault();
    shoot.disabled = true;
    video = await look(dialog);
    shoot.disabled = video === null;
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  shoot.addEventListener("click", async () => {
    const picture = await frame(video);
    dialog.close();
    upload(box, [new File([picture], `photo-${stamp()}.jpg`, { type: "image/jpeg" })], "camera");
  });
};
