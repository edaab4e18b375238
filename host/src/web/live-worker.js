// One stream of events for all tabs. It lives as long as any of them.
"use strict";

const NAMES = ["block", "reorg", "transaction", "peer", "mining"];
const RETRY_MS = 2000;
const tabs = new Set();
let state = null;

function tell(name, data) {
  if (name === "open" || name === "lost") state = name;
  for (const tab of tabs) tab.postMessage({ name, data });
}

function connect() {
  // The browser itself comes back with Last-Event-ID while the stream is only broken off.
  const events = new EventSource("/api/v1/events");
  events.addEventListener("open", () => tell("open"));
  events.addEventListener("error", () => {
    tell("lost");
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
  for (const name of NAMES) events.addEventListener(name, (event) => tell(name, JSON.parse(event.data)));
}

self.onconnect = ({ ports: [tab] }) => {
  if (tabs.size === 0 && state === null) connect();
  tabs.add(tab);
  tab.onmessage = () => tabs.delete(tab);
  if (state) tab.postMessage({ name: state });
};
