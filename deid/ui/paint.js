// Frames as they came over the page's connection: kept while there is room, and painted with a window.

const ROOM = 96 * 1024 * 1024;
const VALUES = { u8: Uint8Array, u16: Uint16Array, s16: Int16Array, rgb: Uint8Array };

function unpack(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let start = 4 + length;
  for (const sent of header.sent) {
    sent.bytes = bytes.slice(start, start + sent.size);
    start += sent.size;
  }
  return header;
}

class Frames {
  // The frames of one picture that this browser holds; the one that was not looked at for longest goes first.
  constructor() {
    this.held = new Map();
    this.size = 0;
  }

  async take(sent) {
    const stream = new Blob([sent.bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const buffer = await new Response(stream).arrayBuffer();
    if (this.held.has(sent.frame)) return;
    this.held.set(sent.frame, { kind: sent.kind, low: sent.low, high: sent.high, values: new VALUES[sent.kind](buffer) });
    this.size += buffer.byteLength;
    while (this.size > ROOM && this.held.size > 1) {
      const [oldest, gone] = this.held.entries().next().value;
      this.held.delete(oldest);
      this.size -= gone.values.byteLength;
    }
  }

  get(frame) {
    const found = this.held.get(frame);
    if (found) {
      this.held.delete(frame);
      this.held.set(frame, found);
    }
    return found;
  }

  missing(from, count, total) {
    const wanted = Array.from({ length: Math.min(count, total) }, (_, index) => (from + index) % total);
    return wanted.filter((frame) => !this.held.has(frame));
  }
}

function tableOf(frame, centre, width, invert) {
  // 65,536 grey values by stored value: `centre` and `width` are shares of the frame's own window.
  const signed = frame.kind === "s16", offset = signed ? 32768 : 0;
  const span = Math.max(frame.high - frame.low, 1) * width, middle = frame.low + (frame.high - frame.low) * centre;
  const table = new Uint8ClampedArray(65536);
  for (let index = 0; index < 65536; index++) {
    const grey = ((index - offset - middle) / span + 0.5) * 255;
    table[index] = invert ? 255 - grey : grey;
  }
  return { table, offset };
}

function paint(canvas, frame, shape, level) {
  const [columns, rows] = shape;
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer), { values } = frame;
  const { table, offset } = tableOf(frame, level.centre, level.width, level.invert);
  if (frame.kind === "rgb") {
    for (let index = 0, at = 0; index < pixels.length; index++, at += 3) {
      pixels[index] = 0xff000000 | (table[values[at + 2]] << 16) | (table[values[at + 1]] << 8) | table[values[at]];
    }
  } else {
    for (let index = 0; index < pixels.length; index++) {
      const grey = table[values[index] + offset];
      pixels[index] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
    }
  }
  context.putImageData(image, 0, 0);
}
