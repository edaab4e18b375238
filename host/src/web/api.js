// Requests to the node. What the node refuses is thrown as a Problem with the code of the API.

export class Problem extends Error {
  constructor(status, { code, detail, title }) {
    super(detail || title || `the node answered ${status}`);
    this.status = status;
    this.code = code;
  }
}

const TOKEN = "mote-token";
let askForToken = async () => null;

// Says how the operator is asked for the token, which other computers than the node's own need.
export const askWith = (asker) => { askForToken = asker; };

// Numbers that JavaScript would round, nonces of 64 bits above all, become BigInts.
const exact = (_, value, context) => (Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source ? BigInt(context.source) : value);
export const parse = (text) => JSON.parse(text, exact);

async function request(method, path, body, isAgain) {
  const headers = { Accept: "application/json" };
  const token = sessionStorage.getItem(TOKEN);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Problem(0, { code: "unreachable", detail: "the node does not answer; is it still running?" });
  }
  const text = await response.text();
  if (response.ok) return text ? parse(text) : null;
  let value = {};
  try {
    value = JSON.parse(text);
  } catch {
    // A proxy in between may answer in its own words.
  }
  const problem = new Problem(response.status, value);
  if (problem.code !== "token-required" || isAgain) throw problem;
  const given = await askForToken();
  if (!given) throw problem;
  sessionStorage.setItem(TOKEN, given);
  try {
    return await request(method, path, body, true);
  } catch (error) {
    if (error.code === "token-required") sessionStorage.removeItem(TOKEN);
    throw error;
  }
}

const base = "/api/v1";
export const get = (path) => request("GET", base + path);
export const post = (path, body) => request("POST", base + path, body);
export const remove = (path) => request("DELETE", base + path);

// The same, but none where the node says that there is nothing.
export async function find(path) {
  try {
    return await get(path);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

// The wallet of the node, or none: only where there is an address, there is a wallet.
export const findWallet = async () => ((await get("/wallet/addresses")).length ? get("/wallet") : null);

// What the node says, to the letter.
export async function text(path) {
  const response = await fetch(base + path);
  if (!response.ok) throw new Problem(response.status, await response.json());
  return response.text();
}

export async function bytes(path) {
  const response = await fetch(base + path);
  if (!response.ok) throw new Problem(response.status, await response.json());
  return new Uint8Array(await response.arrayBuffer());
}
