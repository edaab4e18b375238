// What happens, as it happens: one stream shared by all tabs where the browser can, one a tab elsewhere.

const NAMES = ["block", "reorg", "transaction", "peer", "mining"];
const listeners = new Set();

function hear({ name, data }) {
  for (const { names, handler } of [...listeners]) if (names.includes(name)) handler(data, name);
}

function connect() {
  const events = new EventSource("/api/v1/events");
  events.addEventListener("open", () => hear({ name: "open" }));
  events.addEventListener("error", () => {
    hear({ name: "lost" });
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
  for (const name of NAMES) events.addEventListener(name, (event) => hear({ name, data: JSON.parse(event.data) }));
}

export function start() {
  if (typeof SharedWorker === "undefined") return connect();
  const worker = new SharedWorker("/web/live-worker.js", { name: "mote-events" });
  worker.port.onmessage = ({ data }) => hear(data);
  addEventListener("pagehide", () => worker.port.postMessage("gone"));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

// Calls the handler with the data of every event of these names, and of "open" and "lost"; ends with the signal.
export function listen(names, handler, signal) {
  const listener = { names, handler };
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
}
