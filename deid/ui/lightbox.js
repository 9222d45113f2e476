// One image before a person who decides about its boxes. What is done shows at once, and is told to the server until
// it says that it knows; each telling holds all that it may have missed.

const SVG = "http://www.w3.org/2000/svg";
const AHEAD = 8, AGAIN_MS = 1500, PLAY_MS = 100, STEP_PX = 8, PAN_PX = 40;
const KEEPS_ITS_ARROWS = 'input, select, canvas, [role="radio"], [role="slider"], [role="tab"], [role="option"], [role="combobox"]';
const lightboxes = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let lightbox = lightboxes.get(parentElement);
  if (!lightbox) lightboxes.set(parentElement, (lightbox = create(parentElement)));
  lightbox.attach((told) => setStateValue("told", told));
  if (data && data.byteLength) lightbox.show(unpack(data));
  return () => lightbox.detach();
}

function create(root) {
  const find = (selector) => root.querySelector(selector);
  const stage = find(".stage"), sheet = find(".sheet"), canvas = find("canvas"), svg = find("svg"), tip = find(".tip");
  const slider = find(".frame"), mode = find(".mode"), origin = crypto.getRandomValues(new Uint32Array(1))[0];
  let tell = () => {}, header = null, frames = new Frames(), frame = 0, painted = "", count = 0, pending = [];
  let zoom = 1, left = 0, top = 0, fitted = true, drawing = false, box = null, chosen = "", timer = 0, playing = 0, tries = 0;

  // What is told

  function told() {
    const wanted = header ? frames.missing(frame, AHEAD, header.frames) : [];
    const missing = wanted.includes(frame) || wanted.length > AHEAD / 2 ? wanted : [];
    if (pending.length || missing.length) tell({ origin, picture: header.picture, frame, events: pending, want: missing, tries: ++tries });
  }

  function act(deed, area) {
    pending.push({ number: ++count, deed, box: area, frame });
    draw();
    told();
  }

  function toggle(mark) {
    chosen = keyOf(mark);
    tip.hidden = true;
    act(mark.state === "goes" ? "keep" : "cover", mark.box);
  }

  const keyOf = (mark) => mark.box.join();
  const chosenMark = () => marksNow().find((mark) => keyOf(mark) === chosen);

  function marksNow() {
    // The server's marks of this frame with what it does not know yet.
    const marks = header.marks.filter((mark) => mark.frame === null || mark.frame === frame).map((mark) => ({ ...mark }));
    for (const { deed, box: area } of pending) {
      const found = marks.filter((mark) => keyOf(mark) === area.join());
      for (const mark of found) mark.state = deed === "keep" ? (mark.drawn ? "gone" : "kept") : "goes";
      if (!found.length && deed === "cover") marks.push({ ...header.drawn, box: area, state: "goes", drawn: true });
    }
    return marks.filter((mark) => mark.state !== "gone");
  }

  // What is shown

  async function show(next) {
    if (header && header.hidden !== next.hidden) [frames, painted] = [new Frames(), ""];
    if (!header || header.picture !== next.picture) {
      [frames, frame, pending, box, chosen, fitted] = [new Frames(), next.first, [], null, "", true];
      find(".centre").value = find(".width").value = "50";
      setDrawing(false);
      delete stage.dataset.shown;
    }
    header = next;
    pending = pending.filter((each) => each.number > (next.known[origin] ?? 0));
    const mine = frames;
    await Promise.all(next.sent.map((sent) => mine.take(sent)));
    if (mine !== frames) return;
    stage.style.aspectRatio = `${next.columns} / ${next.rows}`;
    stage.setAttribute("aria-label", next.text);
    sayMode();
    find(".frames").hidden = next.frames < 2;
    slider.max = String(next.frames);
    painted = next.sent.some((sent) => sent.frame === frame) ? "" : painted;
    render();
  }

  function level() {
    const share = (name) => Number(find(name).value) / 50;
    return { centre: 1 - share(".centre") / 2, width: 4 ** (1 - share(".width")), invert: header.invert };
  }

  function render() {
    const here = frames.get(frame), wish = `${frame} ${JSON.stringify(level())}`;
    slider.value = String(frame + 1);
    find(".at").textContent = `${frame + 1} / ${header.frames}`;
    if (here && painted !== wish) {
      paint(canvas, here, [header.columns, header.rows], level());
      painted = wish;
      stage.dataset.shown = String(frame);
    }
    if (fitted) fit();
    else place();
    told();
  }

  function draw() {
    if (!header) return;
    const marks = marksNow();
    svg.setAttribute("width", header.columns);
    svg.setAttribute("height", header.rows);
    svg.replaceChildren(...marks.flatMap((mark, index) => drawn(mark, index)), ...(box ? [rectangle(box, header.drawn.colour, "new")] : []));
    stage.dataset.marks = marks.map((mark) => mark.state).join(" ");
    const shown = new Map(marks.filter((mark) => mark.state !== "word").map((mark) => [mark.legend, mark]));
    find(".legend").replaceChildren(...[...shown.values()].map(({ colour, letter, legend }) => {
      const entry = document.createElement("span"), chip = document.createElement("b");
      chip.style.background = colour;
      chip.textContent = letter;
      entry.append(chip, legend);
      return entry;
    }));
  }

  function rectangle([x, y, w, h], colour, ...classes) {
    const rect = shape("rect", { x, y, width: w, height: h, stroke: colour, fill: colour });
    rect.classList.add(...classes);
    return rect;
  }

  function drawn(mark, index) {
    const rect = rectangle(mark.box, mark.colour, mark.state);
    rect.classList.toggle("chosen", chosen === keyOf(mark));
    rect.addEventListener("pointermove", (event) => showTip(event, mark));
    rect.addEventListener("pointerleave", () => (tip.hidden = true));
    rect.dataset.index = String(index);
    if (mark.state === "word" && index > 8) return [rect];
    const said = `${index < 9 ? index + 1 : ""}${mark.state === "goes" || mark.state === "open" ? mark.letter : ""}`;
    if (!said) return [rect];
    const high = 15 / zoom, wide = (said.length * 8 + 8) / zoom, x = mark.box[0], y = Math.max(mark.box[1] - high, 0);
    const badge = shape("rect", { x, y, width: wide, height: high, rx: high / 3, fill: mark.colour, "fill-opacity": 1 });
    badge.classList.add("badge");
    const letter = shape("text", { x: x + wide / 2, y: y + high * 0.78, "font-size": high * 0.8, "text-anchor": "middle" });
    letter.textContent = said;
    return [rect, badge, letter];
  }

  function shape(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  function showTip(event, mark) {
    const area = stage.getBoundingClientRect();
    showTipAt(event.clientX - area.left, event.clientY - area.top, mark);
  }

  function showTipAt(x, y, mark) {
    const area = stage.getBoundingClientRect();
    tip.textContent = mark.label;
    tip.hidden = !mark.label || Boolean(drag);
    tip.style.left = x > area.width * 0.6 ? "auto" : `${x + 14}px`;
    tip.style.right = x > area.width * 0.6 ? `${area.width - x + 14}px` : "auto";
    tip.style.top = `${Math.min(y + 14, area.height - 60)}px`;
  }

  // Zoom, frames, modes

  function place() {
    sheet.style.transform = `translate(${left}px, ${top}px) scale(${zoom})`;
    svg.style.setProperty("--px", `${1 / zoom}px`);
    canvas.style.imageRendering = zoom < 2 ? "auto" : "pixelated";
    draw();
  }

  function fit() {
    const area = stage.getBoundingClientRect();
    if (!area.width || !header) return;
    zoom = Math.min(area.width / header.columns, area.height / header.rows);
    left = (area.width - header.columns * zoom) / 2;
    top = (area.height - header.rows * zoom) / 2;
    fitted = true;
    place();
  }

  function zoomAt(factor, x, y) {
    const next = Math.min(40, Math.max(0.02, zoom * factor));
    [left, top] = [x - ((x - left) * next) / zoom, y - ((y - top) * next) / zoom];
    [zoom, fitted] = [next, false];
    place();
  }

  function zoomMiddle(factor) {
    const area = stage.getBoundingClientRect();
    zoomAt(factor, area.width / 2, area.height / 2);
  }

  function move(across, down) {
    [left, top, fitted] = [left + across, top + down, false];
    place();
  }

  function goTo(next) {
    frame = (next + header.frames) % header.frames;
    render();
  }

  function play(on) {
    clearInterval(playing);
    playing = on ? setInterval(turnOver, PLAY_MS) : 0;
    find(".play").textContent = on ? "❚❚" : "▶";
  }

  function turnOver() {
    if (!stage.isConnected) play(false);
    else if (frames.held.has(frame)) goTo(frame + 1);
  }

  function setDrawing(on) {
    drawing = on;
    box = on && header ? boxInSight() : null;
    stage.classList.toggle("drawing", on);
    find(".draw").setAttribute("aria-pressed", String(on));
    sayMode();
    if (on) stage.focus(); // or the arrows would move in whatever was pressed last
    draw();
  }

  function boxInSight() {
    // In the middle of what is shown of the picture.
    const area = stage.getBoundingClientRect();
    const [x0, y0] = [Math.max(-left / zoom, 0), Math.max(-top / zoom, 0)];
    const [x1, y1] = [Math.min((area.width - left) / zoom, header.columns), Math.min((area.height - top) / zoom, header.rows)];
    const size = [Math.ceil((x1 - x0) / 6), Math.ceil((y1 - y0) / 12)];
    return [Math.round((x0 + x1 - size[0]) / 2), Math.round((y0 + y1 - size[1]) / 2), ...size];
  }

  function sayMode() {
    mode.hidden = !drawing;
    const reach = header?.scope ? ` · goes to: ${header.scope}` : "";
    mode.textContent = `Drag a box · or arrows move it, Shift and arrows size it, Enter sets it, Esc ends${reach}`;
  }

  function setBox() {
    const whole = within(box);
    setDrawing(false);
    if (!whole) return;
    chosen = whole.join();
    act("cover", whole);
  }

  function within([x, y, w, h]) {
    const [x0, y0] = [Math.max(Math.round(x), 0), Math.max(Math.round(y), 0)];
    const [x1, y1] = [Math.min(Math.round(x + w), header.columns), Math.min(Math.round(y + h), header.rows)];
    return x1 > x0 && y1 > y0 ? [x0, y0, x1 - x0, y1 - y0] : null;
  }

  function moveBox(event) {
    const step = Math.max(1, Math.round(STEP_PX / zoom)), [x, y, w, h] = box;
    const [across, down] = wayOf(event.key).map((each) => each * step);
    box = event.shiftKey ? [x, y, Math.max(w + across, 1), Math.max(h + down, 1)] : [x + across, y + down, w, h];
    draw();
  }

  function wayOf(key) {
    return { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  }

  function takeAway() {
    const mark = chosenMark();
    if (mark?.state === "goes") act("keep", mark.box);
  }

  function chooseNext(step) {
    const marks = marksNow(), at = marks.findIndex((mark) => keyOf(mark) === chosen);
    if (!marks.length) return;
    const next = marks[at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length];
    chosen = keyOf(next);
    stage.focus();
    showTipAt(left + next.box[0] * zoom, top + (next.box[1] + next.box[3]) * zoom, next);
    draw();
  }

  function arrow(event) {
    // Whether an arrow had something to do; those of other controls are theirs.
    const [across, down] = wayOf(event.key);
    if (drawing) moveBox(event);
    else if (event.shiftKey) {
      find(".width").value = String(Number(find(".width").value) + 2 * across);
      find(".centre").value = String(Number(find(".centre").value) - 2 * down);
      render();
    } else if (!fitted) move(-across * PAN_PX, -down * PAN_PX);
    else if (header.frames > 1 && across) goTo(frame + across);
    else return false;
    return true;
  }

  function turnSolid() {
    find(".solid").setAttribute("aria-pressed", String(sheet.classList.toggle("solid")));
  }

  function onKey(event) {
    const target = event.composedPath()[0], typing = target.closest?.("input:not([type=range]), textarea, [contenteditable]");
    if (!header || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('[role="dialog"]')) return;
    const number = Number(event.key), key = event.key.toLowerCase(), onButton = target.closest?.("button, a, summary");
    const acts = { d: () => setDrawing(!drawing), x: takeAway, p: turnSolid, "+": () => zoomMiddle(1.25), "-": () => zoomMiddle(0.8), 0: fit };
    acts.n = () => chooseNext(event.shiftKey ? -1 : 1);
    if (header.frames > 1) [acts[","], acts["."]] = [() => goTo(frame - 1), () => goTo(frame + 1)];
    let done = true;
    if (event.key.startsWith("Arrow")) done = !target.closest?.(KEEPS_ITS_ARROWS) && arrow(event);
    else if (drawing && event.key === "Enter" && !onButton) setBox();
    else if (drawing && event.key === "Escape") setDrawing(false);
    else if (number >= 1 && number <= 9) {
      const mark = marksNow()[number - 1];
      if (mark) toggle(mark);
    } else if (acts[key]) acts[key]();
    else if (event.key === "Enter" && target === stage && chosenMark()) toggle(chosenMark());
    else if (header.frames > 1 && event.key === " " && !onButton) play(!playing);
    else done = false;
    if (done) event.preventDefault();
  }

  // The pointer

  let drag = null;
  const at = (event) => {
    const area = stage.getBoundingClientRect();
    return [(event.clientX - area.left - left) / zoom, (event.clientY - area.top - top) / zoom];
  };
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("pointerdown", (event) => {
    const levels = event.button === 2 || event.shiftKey;
    drag = { x: event.clientX, y: event.clientY, left, top, from: at(event), index: event.composedPath()[0].dataset?.index, levels };
    drag.centre = Number(find(".centre").value);
    drag.width = Number(find(".width").value);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [across, down] = [event.clientX - drag.x, event.clientY - drag.y];
    drag.moved ||= Math.abs(across) + Math.abs(down) > 3;
    if (!drag.moved) return;
    if (drag.levels) {
      find(".width").value = String(drag.width + across / 4);
      find(".centre").value = String(drag.centre - down / 4);
      render();
    } else if (drawing) {
      const [x, y] = at(event), [x0, y0] = drag.from;
      box = [Math.min(x, x0), Math.min(y, y0), Math.abs(x - x0), Math.abs(y - y0)];
      draw();
    } else {
      [left, top] = [drag.left, drag.top];
      move(across, down);
    }
  });
  stage.addEventListener("pointerup", () => {
    const { moved, index, levels } = drag ?? {};
    drag = null;
    if (moved && drawing && !levels) setBox();
    else if (!moved && !drawing && !levels && index !== undefined) {
      const mark = marksNow()[Number(index)];
      if (mark) toggle(mark);
    }
  });
  stage.addEventListener("pointercancel", () => (drag = null));
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && fitted) return;
    event.preventDefault();
    const area = stage.getBoundingClientRect();
    zoomAt(Math.exp(-event.deltaY / 400), event.clientX - area.left, event.clientY - area.top);
  }, { passive: false });

  const buttons = { draw: () => setDrawing(!drawing), delete: takeAway, solid: turnSolid, fit, play: () => play(!playing) };
  buttons.in = () => zoomMiddle(1.4);
  buttons.out = () => zoomMiddle(1 / 1.4);
  for (const [name, press] of Object.entries(buttons)) find(`.${name}`).addEventListener("click", press);
  for (const name of ["centre", "width"]) find(`.${name}`).addEventListener("input", render);
  slider.addEventListener("input", () => goTo(Number(slider.value) - 1));
  new ResizeObserver(() => header && (fitted ? fit() : place())).observe(stage);

  return {
    show,
    attach(teller) {
      tell = teller;
      clearInterval(timer);
      timer = setInterval(told, AGAIN_MS);
      document.removeEventListener("keydown", onKey);
      document.addEventListener("keydown", onKey);
    },
    detach() {
      clearInterval(timer);
      document.removeEventListener("keydown", onKey);
    },
  };
}
