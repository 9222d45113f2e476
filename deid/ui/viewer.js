const SVG = "http://www.w3.org/2000/svg";
const viewers = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!data || !data.byteLength) return;
  let viewer = viewers.get(parentElement);
  if (!viewer) viewers.set(parentElement, (viewer = create(parentElement)));
  viewer.attach((number) => setTriggerValue("picked", number));
  viewer.show(unpack(data));
}

function unpack(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const middle = 4 + length + header.sizes[0];
  header.before = bytes.slice(4 + length, middle);
  header.after = header.sizes[1] ? bytes.slice(middle) : null;
  return header;
}

function create(root) {
  const find = (selector) => root.querySelector(selector);
  const stage = find(".stage"), sheet = find(".sheet"), before = find(".before"), after = find(".after");
  const svg = find("svg"), tip = find(".tip"), divider = find(".divider"), compare = find(".compare"), range = find("input");
  let zoom = 1, left = 0, top = 0, width = 0, height = 0, marks = [], split = 50, fitted = true, turn = 0, pick = () => {};

  function place() {
    sheet.style.transform = `translate(${left}px, ${top}px) scale(${zoom})`;
    svg.style.setProperty("--px", `${1 / zoom}px`);
    const smooth = zoom < 2 ? "auto" : "pixelated";
    before.style.imageRendering = after.style.imageRendering = smooth;
    drawMarks();
    drawSplit();
  }

  function fit() {
    const area = stage.getBoundingClientRect();
    if (!area.width || !width) return;
    zoom = Math.min(area.width / width, area.height / height);
    left = (area.width - width * zoom) / 2;
    top = (area.height - height * zoom) / 2;
    fitted = true;
    place();
  }

  function zoomAt(factor, x, y) {
    const next = Math.min(40, Math.max(0.02, zoom * factor));
    left = x - ((x - left) * next) / zoom;
    top = y - ((y - top) * next) / zoom;
    zoom = next;
    fitted = false;
    place();
  }

  function zoomMiddle(factor) {
    const area = stage.getBoundingClientRect();
    zoomAt(factor, area.width / 2, area.height / 2);
  }

  function drawSplit() {
    if (compare.hidden) return;
    const x = (stage.clientWidth * split) / 100;
    divider.style.left = `${x}px`;
    const column = Math.min(width, Math.max(0, (x - left) / zoom));
    after.style.clipPath = `inset(0 0 0 ${column}px)`;
    range.value = String(split);
  }

  function drawMarks() {
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.replaceChildren(...marks.flatMap((mark, number) => drawn(mark, number)));
  }

  function drawn(mark, number) {
    const [x, y, w, h] = mark.box;
    const rect = shape("rect", { x, y, width: w, height: h, stroke: mark.colour, fill: mark.colour });
    rect.dataset.number = String(number);
    rect.classList.toggle("thin", mark.thin);
    rect.classList.toggle("strong", mark.strong);
    rect.addEventListener("pointerenter", (event) => showTip(event, mark.label));
    rect.addEventListener("pointermove", (event) => showTip(event, mark.label));
    rect.addEventListener("pointerleave", () => (tip.hidden = true));
    if (!mark.letter) return [rect];
    const r = (stage.clientWidth < 500 ? 5 : 7) / zoom, cx = Math.max(x, r), cy = Math.max(y, r);
    const badge = shape("circle", { cx, cy, r, fill: mark.colour });
    const letter = shape("text", { x: cx, y: cy + r * 0.5, "font-size": r * 1.4, "text-anchor": "middle" });
    letter.textContent = mark.letter;
    return [rect, badge, letter];
  }

  function drawLegend(entries) {
    find(".legend").replaceChildren(...entries.map(([colour, letter, label]) => {
      const entry = document.createElement("span"), chip = document.createElement("b");
      chip.style.background = colour;
      chip.textContent = letter;
      entry.append(chip, label);
      return entry;
    }));
  }

  function shape(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  function showTip(event, label) {
    const area = stage.getBoundingClientRect();
    const x = event.clientX - area.left, y = event.clientY - area.top;
    tip.textContent = label;
    tip.hidden = !label;
    tip.style.left = x > area.width * 0.6 ? "auto" : `${x + 14}px`;
    tip.style.right = x > area.width * 0.6 ? `${area.width - x + 14}px` : "auto";
    tip.style.top = `${Math.min(y + 14, area.height - 60)}px`;
  }

  async function paint(canvas, png) {
    const bitmap = await createImageBitmap(new Blob([png], { type: "image/png" }));
    return () => {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
    };
  }

  async function show(header) {
    const mine = ++turn;
    stage.setAttribute("aria-label", header.text);
    const painters = await Promise.all([paint(before, header.before), header.after ? paint(after, header.after) : null]);
    if (mine !== turn) return;
    const oldSize = [width, height].join();
    for (const painter of painters) painter?.();
    [width, height] = [before.width, before.height];
    stage.style.aspectRatio = `${width} / ${height}`;
    marks = header.marks;
    drawLegend(header.legend);
    svg.classList.toggle("outline", Boolean(header.after));
    after.hidden = divider.hidden = compare.hidden = !header.after;
    if (fitted || oldSize !== [width, height].join()) fit();
    else place();
    stage.dataset.shown = String(mine);
  }

  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && fitted) return;
    event.preventDefault();
    const area = stage.getBoundingClientRect();
    zoomAt(Math.exp(-event.deltaY / 400), event.clientX - area.left, event.clientY - area.top);
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => {
    const area = stage.getBoundingClientRect();
    if (fitted) zoomAt(2.5, event.clientX - area.left, event.clientY - area.top);
    else fit();
  });
  stage.addEventListener("keydown", (event) => {
    const act = { "+": () => zoomMiddle(1.25), "-": () => zoomMiddle(0.8), 0: fit }[event.key];
    if (act && event.target === stage) act();
  });

  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button")) return;
    drag = { x: event.clientX, y: event.clientY, left, top, split: Boolean(event.target.closest(".divider")), over: event.target.dataset.number };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const area = stage.getBoundingClientRect();
    if (drag.split) split = Math.min(100, Math.max(0, ((event.clientX - area.left) / area.width) * 100));
    else {
      left = drag.left + event.clientX - drag.x;
      top = drag.top + event.clientY - drag.y;
      if (Math.abs(event.clientX - drag.x) + Math.abs(event.clientY - drag.y) > 3) fitted = false;
    }
    drag.split ? drawSplit() : place();
  });
  stage.addEventListener("pointerup", (event) => {
    const still = drag && Math.abs(event.clientX - drag.x) + Math.abs(event.clientY - drag.y) <= 3;
    if (still && drag.over !== undefined) pick(Number(drag.over));
    drag = null;
  });
  stage.addEventListener("pointercancel", () => (drag = null));

  range.addEventListener("input", () => {
    split = Number(range.value);
    drawSplit();
  });
  find(".in").addEventListener("click", () => zoomMiddle(1.4));
  find(".out").addEventListener("click", () => zoomMiddle(1 / 1.4));
  find(".fit").addEventListener("click", fit);
  find(".boxes").addEventListener("click", () => sheet.classList.toggle("hidden"));
  new ResizeObserver(() => (fitted ? fit() : place())).observe(stage);
  return { show, attach: (told) => (pick = told) };
}
