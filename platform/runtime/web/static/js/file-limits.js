// What fits into a field of files, and what is said of it; the server looks at the bytes themselves.
export const sized = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1000))} kB`);

export const say = (box, text, bad = false) => {
  const said = box.querySelector(".files-said");
  said.textContent = text;
  said.classList.toggle("is-bad", bad);
};

// What surely does not fit is said before anything is sent; pictures are made smaller on their arrival.
export const unfit = (box, file) => {
  const { types, largest, tooLarge, wrongType } = box.dataset;
  const fitting = types ? types.split(",") : [];
  const picture = file.type.startsWith("image/");
  const ending = /\.[a-z0-9]+$/i.exec(file.name)?.[0].toLowerCase() ?? "";
  const known = !fitting.length || fitting.includes(file.type) || fitting.includes(ending) || (picture && fitting.some((each) => each.startsWith("image/")));
  if (!known) return wrongType.replace("{name}", file.name);
  return file.size > Number(largest) && !picture ? tooLarge : "";
};
