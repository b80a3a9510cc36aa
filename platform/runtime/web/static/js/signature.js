// A sheet to sign on: strokes with finger, pen or mouse; a typed name is written on the same sheet.
const INK = "#14213d";

class Sheet {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.drawing = false;
    this.empty = true;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { this.drawing = false; });
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * this.canvas.width) / box.width, ((event.clientY - box.top) * this.canvas.height) / box.height];
  }

  begin(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.drawing = true;
    this.pen.strokeStyle = INK;
    this.pen.lineWidth = 5;
    this.pen.lineCap = "round";
    this.pen.lineJoin = "round";
    this.pen.beginPath();
    this.pen.moveTo(...this.at(event));
  }

  go(event) {
    if (!this.drawing) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) this.pen.lineTo(...this.at(each));
    this.pen.stroke();
    this.empty = false;
  }

  clear() {
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.empty = true;
  }

  write(name) {
    this.clear();
    if (!name.trim()) return;
    const { width, height } = this.canvas;
    this.pen.fillStyle = INK;
    this.pen.textAlign = "center";
    this.pen.textBaseline = "middle";
    let size = 150;
    do {
      this.pen.font = `${size}px "Segoe Script", "Snell Roundhand", STKaiti, KaiTi, "Noto Serif CJK SC", cursive`;
      size -= 6;
    } while (this.pen.measureText(name).width > width * 0.86 && size > 30);
    this.pen.fillText(name, width / 2, height * 0.52);
    this.empty = false;
  }
}

export const signature = (box, upload) => {
  const open = box.querySelector("[data-sign]");
  const dialog = box.querySelector("[data-signature]");
  const typed = dialog.querySelector("[data-typed]");
  const use = dialog.querySelector("[data-use]");
  const sheet = new Sheet(dialog.querySelector("[data-canvas]"));
  const ready = () => { use.disabled = sheet.empty; };
  const clear = () => {
    typed.value = "";
    sheet.clear();
    ready();
  };
  open.hidden = false;
  open.addEventListener("click", () => {
    clear();
    dialog.showModal();
  });
  typed.addEventListener("input", (event) => {
    event.stopPropagation();
    sheet.write(typed.value);
    ready();
  });
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (!sheet.empty) use.click();
  });
  sheet.canvas.addEventListener("pointermove", ready);
  dialog.querySelector("[data-clear]").addEventListener("click", clear);
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  use.addEventListener("click", async () => {
    const picture = await new Promise((done) => { sheet.canvas.toBlob(done, "image/png"); });
    const source = typed.value.trim() ? "typed" : "drawn";
    dialog.close();
    upload(box, [new File([picture], "signature.png", { type: "image/png" })], source);
  });
};
