// Listens to Streamlit's socket, to tell whether the page shows the answer to the last thing that was asked for.
// Of the messages only some numbers are read, by their fields in Streamlit's ForwardMsg.proto and BackMsg.proto.
// What a fragment asks for by itself, at its interval, counts for nothing: it may go on without end.
(() => {
  const RERUN = 11, FRAGMENT = 5, BY_ITSELF = 6;
  const METADATA = 2, RUN = 6, FRAGMENTS = 2, NEW_SESSION = 4, FINISHED = 6, EARLY_FOR_RERUN = 2;
  const talk = { asked: 0, unanswered: true, running: false, byItself: false };
  let fragmentAsked = false;
  window.deidTalk = talk;

  // Fields of a protobuf message by number: a value, or the bytes of what is nested.
  function fields(bytes) {
    const found = new Map();
    let at = 0;
    const number = () => {
      let value = 0, scale = 1, byte;
      do {
        byte = bytes[at++];
        value += (byte & 127) * scale;
        scale *= 128;
      } while (byte & 128);
      return value;
    };
    while (at < bytes.length) {
      const tag = number(), kind = tag & 7, size = kind === 1 ? 8 : kind === 5 ? 4 : number();
      found.set(Math.floor(tag / 8), kind === 0 ? size : bytes.subarray(at, at + size));
      if (kind !== 0) at += size;
    }
    return found;
  }

  const within = (message, ...path) => path.reduce((bytes, field) => bytes && fields(bytes).get(field), message);

  function heard(message) {
    const said = fields(message);
    if (said.has(NEW_SESSION)) {
      const ofFragment = within(message, METADATA, RUN, FRAGMENTS) !== undefined;
      talk.byItself = ofFragment && !fragmentAsked;
      if (!talk.byItself) [talk.unanswered, talk.running, fragmentAsked] = [false, true, false];
    }
    if (said.has(FINISHED)) {
      talk.running = said.get(FINISHED) === EARLY_FOR_RERUN;
      talk.byItself = false;
    }
  }

  function asked(message) {
    const rerun = within(message, RERUN);
    if (rerun === undefined || within(rerun, BY_ITSELF)) return;
    fragmentAsked = Boolean(within(rerun, FRAGMENT)?.length);
    talk.unanswered = true;
    talk.asked += 1;
  }

  const bytesOf = (data) => (ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array());

  window.WebSocket = class extends WebSocket {
    constructor(...where) {
      super(...where);
      this.addEventListener("message", ({ data }) => heard(bytesOf(data)));
    }

    send(data) {
      asked(bytesOf(data));
      super.send(data);
    }
  };
})();
