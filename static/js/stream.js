/* The one socket. Prices are whole states, the latest wins; an account's events carry a dense seq,
   and a gap is healed by asking for what is missing. A socket that stays mute is treated as dead:
   close() on a frozen server may never fire onclose, and old prices would go on looking live. */

const SILENCE_MS = 4500; // the server speaks every 2 s, and the page tells before 5 s are over
const WATCH_MS = 250;
const BACKOFF_MS = { first: 250, most: 15000 };
const SIGNED_OUT = new Set([4401, 4403]);
const PRICES = "prices:";
const TOPICS_MAX = 200;

export class Stream extends EventTarget {
  #socket = null;
  #topics = new Set();
  #seqs = new Map();
  #asked = new Map();
  #delay = BACKOFF_MS.first;
  #timer = 0;
  #heard = 0;

  constructor(url) {
    super();
    this.url = url;
    this.state = "connecting";
  }

  /** Start, and keep the connection alive until the page goes away. */
  start() {
    setInterval(() => this.#watch(), WATCH_MS);
    addEventListener("online", () => this.retry());
    addEventListener("pageshow", () => this.retry());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.retry();
    });
    this.#open();
  }

  /** Topics to follow; an account's topic may say up to which seq the page knows it. */
  follow(topics, seq = null) {
    const fresh = topics.filter((topic) => !this.#topics.has(topic));
    for (const topic of fresh) {
      this.#topics.add(topic);
      if (seq !== null) this.#seqs.set(topic, seq);
    }
    if (fresh.length) this.#send({ type: "SUBSCRIBE", topics: fresh });
  }

  /** Prices of these symbols and no others, as many as the server lets one follow beside the rest. */
  followPrices(symbols) {
    const others = [...this.#topics].filter((topic) => !topic.startsWith(PRICES));
    const wanted = symbols.slice(0, TOPICS_MAX - others.length).map((symbol) => PRICES + symbol);
    const gone = [...this.#topics].filter((topic) => topic.startsWith(PRICES) && !wanted.includes(topic));
    for (const topic of gone) this.#topics.delete(topic);
    if (gone.length) this.#send({ type: "UNSUBSCRIBE", topics: gone });
    this.follow(wanted);
  }

  /** Connect now if there is no connection: the person asked, or the network came back. */
  retry() {
    if (this.#socket && performance.now() - this.#heard < SILENCE_MS) return;
    this.#drop();
    this.#delay = BACKOFF_MS.first;
    this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    this.#heard = performance.now();
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onopen = () => this.#send({ type: "SUBSCRIBE", topics: [...this.#topics] });
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => this.#lost(event.code);
  }

  #drop() {
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #lost(code) {
    this.#drop();
    if (SIGNED_OUT.has(code)) {
      this.#turn("signed-out");
      return;
    }
    this.#turn("lost");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), this.#delay * (0.5 + Math.random() / 2));
    this.#delay = Math.min(this.#delay * 2, BACKOFF_MS.most);
  }

  #watch() {
    if (this.#socket && performance.now() - this.#heard > SILENCE_MS) this.#lost(0);
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #receive(message) {
    this.#heard = performance.now();
    this.#delay = BACKOFF_MS.first;
    if (message.type === "PRICE_UPDATE") this.#tell("prices", message.prices);
    else if (message.type === "SUBSCRIBED") this.#subscribed(message.topics);
    else if (message.type === "ERROR") this.#refused(message);
    else if ("seq" in message) this.#inOrder(message);
    this.#turn("live");
  }

  #subscribed(topics) {
    this.#asked.clear();
    for (const { topic, seq } of topics) {
      if (seq === undefined) continue;
      const known = this.#seqs.get(topic);
      if (known === undefined) this.#seqs.set(topic, seq);
      else if (known < seq) this.#resume(topic, known);
    }
  }

  #resume(topic, after) {
    if (this.#asked.get(topic) === after) return;
    this.#asked.set(topic, after);
    this.#send({ type: "RESUME", topic, after });
  }

  #inOrder(message) {
    const known = this.#seqs.get(message.topic);
    if (known !== undefined && message.seq <= known) return;
    if (known !== undefined && message.seq > known + 1) {
      this.#resume(message.topic, known);
      return;
    }
    this.#seqs.set(message.topic, message.seq);
    this.#tell("event", message);
  }

  #refused(message) {
    if (message.code !== "resync_required" && message.code !== "bad_seq") return;
    this.#seqs.clear();
    this.#asked.clear();
    this.#tell("resync", message);
    this.#send({ type: "SUBSCRIBE", topics: [...this.#topics] });
  }

  #turn(state) {
    if (this.state === state) return;
    this.state = state;
    this.#tell("state", state);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
