"use strict";

// Asks the server again and again, and changes what has changed. All that functions have stored is set as
// text; the timeline is HTML of the server's own, which escapes it.

const POLL_MILLISECONDS = 500;

const STATUSES = ["RUNNING", "PAUSED", "SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"];

const byId = (id) => document.getElementById(id);

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const selectedArn = () => decodeURIComponent(location.hash.slice(1));

function linkTo(arn) {
  return "#" + encodeURIComponent(arn);
}

function clockTime(iso) {
  const moment = new Date(iso);
  const time = moment.toLocaleTimeString([], { hour12: false });
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? time : `${moment.toLocaleDateString()} ${time}`;
}

function elapsed(from, to) {
  let seconds = Math.max(0, Math.floor((new Date(to) - new Date(from)) / 1000));
  const parts = [];
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "m"]]) {
    const count = Math.floor(seconds / size);
    if (count || parts.length) parts.push(`${count}${unit}`);
    seconds %= size;
  }
  parts.push(`${seconds}s`);
  return parts.slice(0, 2).join(" ");
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function answerOf(path) {
  const answer = await fetch(path, { cache: "no-cache" });
  return { status: answer.status, text: await answer.text() };
}

// Shows something again only if it is not what is shown already: selections and scrolling stay.
const shown = new Map();
function changed(what, text) {
  if (shown.get(what) === text) return false;
  shown.set(what, text);
  return true;
}

// The list.

async function showList() {
  const query = new URLSearchParams({ status: byId("status").value, function: byId("function").value });
  const { text } = await answerOf(`/_durable/executions?${query}`);
  const list = JSON.parse(text);
  fillChoices(byId("function"), list.functions, list.functions);
  fillChoices(byId("status"), STATUSES, STATUSES.map((status) => `${status} (${list.counts[status] || 0})`));
  const arn = selectedArn();
  // The time of running executions goes on though nothing of them changes.
  const now = list.now;
  list.now = list.executions.some((execution) => !execution.ended) ? now : "";
  if (!changed("list", JSON.stringify([list, arn]))) return;
  const { found, executions } = list;
  byId("found").textContent =
    found > executions.length ? `the newest ${executions.length} of ${found}` : `${found} found`;
  byId("none").hidden = Object.keys(list.counts).length > 0;
  byId("executions").hidden = !byId("none").hidden;
  byId("executions").tBodies[0].replaceChildren(...executions.map((execution) => row(execution, now, arn)));
}

function fillChoices(select, values, labels) {
  if (!changed(select.id, JSON.stringify([values, labels]))) return;
  const chosen = select.value;
  const options = values.map((value, index) => new Option(labels[index], value));
  select.replaceChildren(new Option("all", ""), ...options);
  select.value = chosen;
}

function row(execution, now, arn) {
  const made = element("tr");
  made.dataset.arn = execution.arn;
  if (execution.arn === arn) made.setAttribute("aria-current", "true");
  const status = element("td");
  status.append(element("span", `badge ${execution.status}`, execution.status));
  const name = element("td", "name");
  const link = element("a", "", execution.name);
  link.href = linkTo(execution.arn);
  name.append(link);
  name.title = execution.name;
  const took = execution.took || elapsed(execution.started, now);
  made.append(
    status,
    element("td", "function", execution.function),
    name,
    element("td", "time", clockTime(execution.started)),
    element("td", "time", took),
  );
  made.addEventListener("click", () => {
    location.hash = linkTo(execution.arn);
  });
  return made;
}

// One execution.

async function showExecution(arn) {
  const page = byId("execution");
  document.querySelector("main").classList.toggle("split", Boolean(arn));
  page.hidden = !arn;
  if (!arn) {
    document.title = "Durable executions";
    return;
  }
  const { status, text } = await answerOf(`/_durable/execution?arn=${encodeURIComponent(arn)}`);
  if (arn !== selectedArn() || !changed("execution", text)) return;
  const execution = JSON.parse(text);
  page.classList.toggle("missing", status === 404);
  if (status !== 200) {
    page.querySelector(".name").textContent = execution.error;
    return;
  }
  document.title = `${execution.status} ${execution.function} ${execution.name}`;
  const badge = page.querySelector(".badge");
  badge.className = `badge ${execution.status}`;
  badge.textContent = execution.status;
  page.querySelector(".name").textContent = execution.function;
  page.querySelector(".headline").textContent = execution.headline;
  page.querySelector(".arn").textContent = execution.arn;
  byId("stop").hidden = Boolean(execution.ended);
  const invoker = page.querySelector(".invoker");
  invoker.hidden = !execution.invoked_by;
  invoker.href = linkTo(execution.invoked_by || "");
  showCallbacks(execution.callbacks);
  showValues(execution);
  showBars(execution);
  if (changed("timeline", execution.timeline)) byId("timeline").innerHTML = execution.timeline;
  showEvents(execution.events);
}

function showValues(execution) {
  if (!changed("values", JSON.stringify([execution.input, execution.result, execution.error]))) return;
  const values = [];
  for (const [label, text] of [
    ["Input", execution.input],
    ["Result", execution.result],
    ["Error", execution.error && JSON.stringify(execution.error)],
  ]) {
    if (text === null || text === undefined) continue;
    const value = element("div", `value ${label.toLowerCase()}`);
    value.append(element("b", "", label), element("pre", "", pretty(text)));
    values.push(value);
  }
  byId("values").replaceChildren(...values);
}

function showCallbacks(callbacks) {
  if (!changed("callbacks", JSON.stringify(callbacks))) return;
  byId("callbacks").replaceChildren(...callbacks.map(callbackForm));
}

function callbackForm(callback) {
  const form = element("div", "callback");
  const until = callback.times_out ? `, times out at ${clockTime(callback.times_out)}` : "";
  const payload = element("textarea", "payload", '"ok"');
  payload.rows = 2;
  payload.setAttribute("aria-label", "Result as JSON, or the message of an error");
  const told = element("span", "told");
  const buttons = element("div", "buttons");
  for (const [label, path, body] of [
    ["Succeed", "succeed", () => payload.value],
    ["Fail", "fail", () => JSON.stringify({ ErrorMessage: payload.value })],
    ["Heartbeat", "heartbeat", () => ""],
  ]) {
    const button = element("button", path, label);
    button.type = "button";
    button.addEventListener("click", async () => {
      const id = encodeURIComponent(callback.id);
      told.textContent = await post(`/2025-12-01/durable-execution-callbacks/${id}/${path}`, body());
    });
    buttons.append(button);
  }
  buttons.append(told);
  form.append(
    element("b", "", `Waits for callback ${callback.name || ""}${until}`),
    element("code", "id", callback.id),
    payload,
    buttons,
  );
  return form;
}

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", body });
  await refresh();
  if (answer.ok) return "";
  const error = JSON.parse(await answer.text());
  return error.message || error.Message || `status ${answer.status}`;
}

function showBars(execution) {
  const length = execution.length;
  const parts = [JSON.stringify(execution.bars), execution.ended ? length : 0];
  const running = execution.bars.some((bar) => bar.to === null);
  if (!changed("bars", JSON.stringify(parts)) && !running) return;
  const percent = (at) => `${Math.min(100, (100 * at) / length)}%`;
  const bars = execution.bars.map((bar) => {
    const made = element("div", `bar kind-${bar.kind} ${bar.status}`);
    const label = element("span", "label", bar.label);
    label.style.paddingLeft = `${bar.depth}em`;
    label.title = bar.label;
    const fill = element("span", bar.to === null ? "fill open" : "fill");
    const to = bar.to === null ? length : bar.to;
    // A moment at the very end still has to be seen.
    fill.style.left = `min(${percent(bar.from)}, calc(100% - 3px))`;
    fill.style.width = percent(to - bar.from);
    const track = element("span", "track");
    track.append(fill);
    made.append(label, track, element("span", "took", bar.took || bar.status.toLowerCase()));
    made.title = `${bar.label}: ${bar.status}`;
    return made;
  });
  const scale = element("div", "scale");
  const ends = element("span");
  ends.append(element("span", "", "0s"), element("span", "", execution.length_text));
  scale.append(element("span"), ends, element("span"));
  byId("bars").replaceChildren(scale, ...bars);
}

// The history only grows: what is there stays, opened or not.
let eventsOf = "";
function showEvents(events) {
  const list = byId("events").querySelector("ol");
  if (eventsOf !== selectedArn()) list.replaceChildren();
  eventsOf = selectedArn();
  byId("events").querySelector("summary").textContent = `History events (${events.length})`;
  for (const event of events.slice(list.children.length)) {
    const details = element("details");
    const summary = element("summary");
    const name = event.Name ? ` ${event.Name}` : "";
    summary.append(
      element("time", "", clockTime(event.EventTimestamp)),
      `${event.EventId} ${event.EventType}${name}`,
    );
    details.append(summary, element("pre", "", JSON.stringify(event, null, 2)));
    const item = element("li");
    item.append(details);
    list.append(item);
  }
}

// Again and again.

let latest = 0;
async function refresh() {
  const turn = ++latest;
  try {
    await Promise.all([showList(), showExecution(selectedArn())]);
    if (turn === latest) byId("connection").textContent = "";
  } catch (error) {
    byId("connection").textContent = "The server does not answer.";
    shown.clear();
    console.warn(error);
  }
}

async function forever() {
  for (;;) {
    if (!document.hidden) await refresh();
    await new Promise((done) => setTimeout(done, POLL_MILLISECONDS));
  }
}

byId("stop").addEventListener("click", async () => {
  const path = `/2025-12-01/durable-executions/${encodeURIComponent(selectedArn())}/stop`;
  byId("stop-told").textContent = await post(path, "");
});
for (const id of ["status", "function"]) byId(id).addEventListener("change", refresh);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", () => {
  shown.delete("execution");
  byId("stop-told").textContent = "";
  refresh();
});
forever();
