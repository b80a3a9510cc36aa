// Charts: ECharts loaded only when a chart comes into sight; colours are read from the style sheet's tokens.
const LIBRARY = new URL("../vendor/echarts.min.js", import.meta.url);
let library;

const load = () => {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = LIBRARY;
    script.onload = () => resolve(window.echarts);
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
};

const tokens = (value, style) => {
  if (typeof value === "string") {
    const found = value.match(/^var\((--[a-z0-9-]+)\)$/);
    return found ? style.getPropertyValue(found[1]).trim() : value;
  }
  if (Array.isArray(value)) return value.map((one) => tokens(one, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, tokens(one, style)]));
  }
  return value;
};

const drawn = new Set();

const draw = async (box) => {
  const { option, links, height } = JSON.parse(box.querySelector("script").textContent);
  const echarts = await load();
  if (!box.isConnected) return;
  const place = box.querySelector(".chart");
  if (height) place.style.minHeight = `${height}px`;
  box.classList.add("drawn");
  const chart = echarts.init(place, null, { renderer: "canvas" });
  const paint = () => chart.setOption(tokens(option, getComputedStyle(document.documentElement)), true);
  paint();
  chart.on("click", (event) => {
    const link = links[event.seriesIndex]?.[event.dataIndex];
    if (link) location.assign(link);
  });
  const sized = new ResizeObserver(() => (place.isConnected ? chart.resize() : leave()));
  const leave = () => { sized.disconnect(); drawn.delete(paint); chart.dispose(); };
  sized.observe(place);
  drawn.add(paint);
  const toggle = box.closest(".widget").querySelector("[data-toggle-table]");
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    const table = box.classList.toggle("as-table");
    toggle.setAttribute("aria-pressed", String(table));
    if (!table) chart.resize();
  });
};

const watch = (root) => {
  const sight = new IntersectionObserver((seen) => {
    for (const one of seen.filter((entry) => entry.isIntersecting)) {
      sight.unobserve(one.target);
      draw(one.target).catch(() => one.target.classList.remove("drawn"));
    }
  }, { rootMargin: "200px" });
  for (const box of root.querySelectorAll("[data-chart]")) sight.observe(box);
};

watch(document);
document.addEventListener("ajax:merged", (event) => watch(event.target.parentElement ?? document));
document.addEventListener("cards:renewed", (event) => watch(event.target));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((paint) => paint()));
