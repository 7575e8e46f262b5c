"use strict";
// Positions: 0 is the start of the sweep, i shows steps[i - 1], the last one sums up.
(() => {
  const byId = (id) => document.getElementById(id);
  const page = JSON.parse(byId("data").textContent);
  const { nodes, connections, steps } = page;
  const [boxWidth, boxHeight] = page.box;
  const rootNode = nodes.length - 1;
  const lastPosition = steps.length + 1;

  // ---- numbers and words

  // Four or five digits for the eye; `exact` is for tooltips. JSON has infinities and nan as text. What has several
  // results has no data of its own, and a list of gradients.
  function format(number) {
    if (number === null) return "several";
    if (Array.isArray(number)) return `[${Array.from(number, (x) => format(x ?? 0)).join(", ")}]`;
    const x = Number(number);
    const size = Math.abs(x);
    if (!Number.isFinite(x)) return exact(x);
    if (x === 0) return "0";
    if (Number.isInteger(x) && size < 1e9) return String(x);
    if (size < 1e-3 || size >= 1e6) return x.toExponential(3).replace(/\.?0*e\+?/, "e");
    return String(Number(x.toPrecision(size < 0.1 ? 4 : size < 1e5 ? 5 : 7)));
  }
  function exact(number) {
    if (number === null || Array.isArray(number)) return format(number);
    const x = Number(number);
    if (Number.isNaN(x)) return "nan";
    if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
    return Object.is(x, -0) ? "-0" : String(x);
  }
  const factor = (number) => (Number(number) < 0 ? `(${format(number)})` : format(number));
  const isWord = (name) => /^[\p{L}_][\p{L}\p{N}_.']*$/u.test(name);
  const inFormula = (node) => (isWord(nodes[node].name) ? nodes[node].name : `(${nodes[node].name})`);
  const resultName = (node, result) => inFormula(node) + (result === null ? "" : `[${result}]`);
  const gradientName = (node, result = null) => `${resultName(node, result)}.grad`;
  const derivativeName = (node, operand, result) => `∂${inFormula(node)}/∂${resultName(operand, result)}`;

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  }

  // ---- the sweep

  // The step of a node: for an operation, where it passes its gradient on; for a leaf, where its last contribution
  // arrives. None if nothing arrives, as for the smaller operands of max().
  const positionOf = new Array(nodes.length).fill(Infinity);
  steps.forEach((step, i) => step.contributions.forEach(({ operand }) => (positionOf[operand] = i + 1)));
  steps.forEach((step, i) => (positionOf[step.node] = i + 1));

  // The gradients after the first `count` steps: undefined where no contribution has arrived, a list where a node has
  // several results.
  function gradientsAfter(count) {
    const gradients = new Array(nodes.length).fill(undefined);
    gradients[rootNode] = 1;
    for (const { operand, result, after } of steps.slice(0, count).flatMap((step) => step.contributions)) {
      if (result === null) gradients[operand] = after;
      else (gradients[operand] ??= [])[result] = after;
    }
    return gradients;
  }

  // ---- the picture

  function makeNode(node, index) {
    const gradient = element("span", "number gradient");
    const box = element("span", "box", element("span", "name", node.name),
      element("span", "key", "data"), element("span", "number", format(node.data)),
      element("span", "key", "grad"), gradient);
    const button = element("button", "node", box);
    button.type = "button";
    button.tabIndex = -1; // the search box leads to every node; hundreds of stops would not
    const [left, top, width, height] = [node.x, node.y, boxWidth, boxHeight].map((length) => `${length}px`);
    Object.assign(button.style, { left, top, width, height });
    if (node.op) {
      const badge = element("span", "badge", node.op);
      badge.style.width = `${node.badge - 4}px`;
      button.prepend(badge);
    }
    button.addEventListener("click", () => visit(index));
    byId("graph").append(button);
    return { button, gradient };
  }

  // Straight through the layers, curved between them.
  function pathThrough(points) {
    let path = `M${points[0]}`;
    for (let i = 1; i < points.length; i += 2) {
      const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
      const middle = (x0 + x1) / 2;
      path += `C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}L${points[i + 1]}`;
    }
    return path;
  }

  function makeWire(connection) {
    const wire = document.createElementNS("http://www.w3.org/2000/svg", "path");
    wire.setAttribute("d", pathThrough(connection.points));
    byId("wires").append(wire);
    return wire;
  }

  const wires = connections.map(makeWire);
  const drawn = nodes.map(makeNode);
  let pills = [];

  function showGraph(position) {
    const step = steps[position - 1];
    const current = step ? step.node : position === 0 ? rootNode : -1;
    const receivers = new Set(step ? step.contributions.map(({ operand }) => operand) : []);
    gradientsAfter(position).forEach((gradient, index) => {
      const { button, gradient: number } = drawn[index];
      const waits = gradient === undefined;
      number.textContent = format(waits ? 0 : gradient);
      button.title = `${nodes[index].name}\ndata ${exact(nodes[index].data)}\ngrad ${exact(waits ? 0 : gradient)}`;
      button.classList.toggle("waiting", waits);
      button.classList.toggle("done", !waits && positionOf[index] <= position);
      button.classList.toggle("current", index === current);
      button.classList.toggle("receives", receivers.has(index));
    });
    wires.forEach((wire, i) => {
      const { from, to } = connections[i];
      const carries = to === current && receivers.has(from);
      wire.setAttribute("class", `wire${carries ? " current" : positionOf[to] <= position ? " done" : ""}`);
      if (carries) byId("wires").append(wire); // above the others
    });
    pills.forEach((pill) => pill.remove());
    const contributionsTo = (node) => step.contributions.filter(({ operand }) => operand === node);
    pills = [...receivers].map((operand) => makePill(operand, contributionsTo(operand)));
    byId("graph").append(...pills);
  }

  function makePill(operand, contributions) {
    const line = (name, number) => element("div", "", element("span", "", name), element("b", "", format(number)));
    const factors = (local) => (local === null ? [] : [line("local", local)]);
    const pill = element("div", "pill",
      ...contributions.map(({ local, product }) =>
        element("section", "", ...factors(local), line("g × local", product))));
    pill.style.left = `${nodes[operand].x + boxWidth}px`;
    pill.style.top = `${nodes[operand].y + boxHeight / 2}px`;
    return pill;
  }

  // ---- the panel

  function describeStart() {
    const name = gradientName(rootNode);
    return {
      kicker: "Start",
      heading: `${nodes[rootNode].name} = ${format(nodes[rootNode].data)}`,
      body: [element("p", "", "The forward pass is done: every Value has its data, and every gradient is 0. ",
        `backward() begins with ${name} = 1, because a Value changes as fast as itself. `,
        "Then each operation, from the newest to the oldest, passes its gradient on to its operands.")],
    };
  }

  function describeStep(step) {
    const gradient = `${gradientName(step.node)} = ${format(step.results.length ? step.results : step.gradient)}`;
    const why = step.node === rootNode ? "the sweep starts here" : "everything that uses it has contributed";
    const what = step.byFunction ? "A _backward function of its own passes it on."
      : step.results.length ? "Each operand gets the sum, over the results, of gradient times local derivative."
        : "Each operand gets this times the local derivative.";
    return {
      kicker: `Step ${steps.indexOf(step) + 1} of ${steps.length}`,
      title: step.title,
      heading: `${nodes[step.node].name} = ${step.formula}`,
      body: [
        element("p", "", element("code", "", gradient), ` is complete: ${why}. ${what}`),
        ...step.contributions.map((contribution) => describeContribution(step, contribution)),
      ],
    };
  }

  function describeContribution(step, contribution) {
    const { operand, result, local, product, before, after } = contribution;
    const rows = local === null ? [["g × local", `summed: ${format(product)}`]] : [
      ["local", `${derivativeName(step.node, operand, result)} = ${knownDerivative(contribution)}${format(local)}`],
      ["g × local", `${format(step.gradient)} × ${factor(local)} = ${format(product)}`],
    ];
    const sum = `${format(before)} + ${factor(product)} = ${format(after)}`;
    rows.push(["adds up", `${gradientName(operand, result)} = ${sum}`]);
    const list = element("dl", "", ...rows.flatMap(([name, text]) =>
      [element("dt", "", name), element("dd", "", element("code", "", text))]));
    const link = element("button", "link", nodes[operand].name);
    link.addEventListener("click", () => center(operand));
    const made = element("div", "contribution", element("h3", "", "to ", link), list);
    const expected = Number(before) + Number(product);
    if (step.byFunction && Math.abs(expected - after) > 1e-9 * Math.max(1, Math.abs(expected))) {
      made.append(element("p", "warning",
        `The function left ${format(after)}, not ${format(expected)}: does it add to the gradient, with +=?`));
    }
    return made;
  }

  const knownDerivative = ({ derivative, local }) =>
    derivative && derivative !== format(local) ? `${derivative} = ` : "";

  function describeEnd() {
    const gradients = gradientsAfter(steps.length);
    const leaves = nodes.map((node, index) => index).filter((index) => !nodes[index].op);
    const rows = leaves.map((index) => element("tr", "", element("th", "", nodes[index].name),
      element("td", "", format(nodes[index].data)), element("td", "", format(gradients[index] ?? 0))));
    const titles = ["leaf", "data", "grad"].map((name) => element("th", "", name));
    return {
      kicker: "Done",
      heading: "The gradients of the leaves",
      body: [
        element("p", "", `When a leaf grows by a small h, ${nodes[rootNode].name} grows by about h × its gradient.`),
        element("table", "", element("thead", "", element("tr", "", ...titles)), element("tbody", "", ...rows)),
      ],
    };
  }

  function showPanel(position) {
    const step = steps[position - 1];
    const describe = step ? describeStep : position === 0 ? describeStart : describeEnd;
    const { kicker, title = "", heading, body } = describe(step);
    const top = element("div", "kicker", kicker, element("span", "", title));
    byId("panel").replaceChildren(top, element("h2", "", heading), ...body);
    byId("panel").scrollTop = 0;
    byId("counter").textContent = kicker;
    const given = (step?.contributions ?? []).map(({ operand, result, after }) =>
      `${gradientName(operand, result)} becomes ${format(after)}.`);
    byId("spoken").textContent = [`${kicker}: ${heading}.`, ...given].join(" ");
    byId("timeline").setAttribute("aria-valuetext", `${kicker}: ${heading}`);
  }

  // ---- moving through the steps

  let shown = -1;
  let timer = 0;

  function go(position) {
    const wanted = Math.max(0, Math.min(lastPosition, position));
    if (wanted === shown) return;
    shown = wanted;
    showGraph(shown);
    showPanel(shown);
    byId("timeline").value = shown;
    byId("first").disabled = byId("back").disabled = shown === 0;
    byId("forward").disabled = byId("last").disabled = shown === lastPosition;
    if (byId("follow").checked) follow();
  }

  function step(by) {
    pause();
    go(shown + by);
  }

  function visit(node) {
    pause();
    go(positionOf[node]);
    center(node);
  }

  function play() {
    if (shown === lastPosition) go(0);
    const next = () => {
      timer = setTimeout(() => {
        go(shown + 1);
        if (shown === lastPosition) pause();
        else next();
      }, 1600 / Number(byId("speed").value));
    };
    next();
    showPlaying(true);
  }

  function pause() {
    clearTimeout(timer);
    timer = 0;
    showPlaying(false);
  }

  function showPlaying(playing) {
    byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    byId("play").querySelector("use").setAttribute("href", playing ? "#icon-pause" : "#icon-play");
  }

  const actions = {
    first: () => step(-shown),
    back: () => step(-1),
    play: () => (timer ? pause() : play()),
    forward: () => step(1),
    last: () => step(lastPosition - shown),
    "zoom-in": () => zoom(1.25),
    "zoom-out": () => zoom(0.8),
    fit,
  };
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
  byId("timeline").max = lastPosition;
  byId("timeline").addEventListener("input", (event) => step(Number(event.target.value) - shown));

  const keys = {
    ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "last", " ": "play",
    "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", 0: "fit",
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select") || (event.key === " " && event.target.matches("button"))) return;
    if (event.key === "/") byId("query").focus();
    else if (event.key in keys) actions[keys[event.key]]();
    else return;
    event.preventDefault();
  });

  // ---- search

  let matches = [];
  let match = -1;

  byId("query").addEventListener("input", () => {
    const wanted = byId("query").value.trim().toLowerCase();
    const matching = (node) => wanted !== "" && node.name.toLowerCase().includes(wanted);
    matches = nodes.map((node, index) => index).filter((index) => matching(nodes[index]));
    match = -1;
    drawn.forEach(({ button }, index) => button.classList.toggle("match", matching(nodes[index])));
    byId("matches").textContent = wanted && `${matches.length} found`;
  });
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (matches.length === 0) return;
    match = (match + 1) % matches.length;
    byId("matches").textContent = `${match + 1} of ${matches.length}`;
    visit(matches[match]);
  });
  byId("query").addEventListener("keydown", (event) => {
    if (event.key === "Escape") byId("query").blur();
  });

  // ---- pan and zoom

  const readable = 0.7;
  const barelyReadable = 0.55;
  const farAway = 0.45; // where numbers are too small to be read, labels are shown instead
  let camera = null;
  let moved = false; // by hand, since the whole graph was shown

  function place(scale, x, y, travels = true) {
    byId("graph").classList.toggle("travels", travels && camera !== null);
    byId("graph").classList.toggle("far", scale < farAway);
    camera = { scale, x, y };
    byId("graph").style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  }

  function placeInMiddle(scale, left, top, right, bottom) {
    const { clientWidth, clientHeight } = byId("view");
    place(scale, (clientWidth - (left + right) * scale) / 2, (clientHeight - (top + bottom) * scale) / 2);
  }

  function scaleThatShows(width, height) {
    const { clientWidth, clientHeight } = byId("view");
    return Math.min((clientWidth - 48) / width, (clientHeight - 112) / height);
  }

  function fit() {
    moved = false;
    placeInMiddle(Math.min(1.3, scaleThatShows(...page.size)), 0, 0, ...page.size);
  }

  function zoom(by, x = byId("view").clientWidth / 2, y = byId("view").clientHeight / 2, travels = true) {
    const scale = Math.max(0.05, Math.min(4, camera.scale * by));
    const ratio = scale / camera.scale;
    moved = true;
    place(scale, x - (x - camera.x) * ratio, y - (y - camera.y) * ratio, travels);
  }

  function center(node) {
    const { x, y } = nodes[node];
    placeInMiddle(Math.max(readable, camera.scale), x, y, x + boxWidth, y + boxHeight);
  }

  function boundsOf(indices) {
    const seen = indices.map((index) => nodes[index]);
    return {
      left: Math.min(...seen.map((node) => node.x - node.badge)),
      right: Math.max(...seen.map((node) => node.x + boxWidth)),
      top: Math.min(...seen.map((node) => node.y)),
      bottom: Math.max(...seen.map((node) => node.y + boxHeight)),
    };
  }

  function isInView({ left, right, top, bottom }) {
    const { clientWidth, clientHeight } = byId("view");
    const { scale, x, y } = camera;
    const inWidth = left * scale + x >= 0 && right * scale + x <= clientWidth;
    return inWidth && top * scale + y >= 0 && bottom * scale + y <= clientHeight;
  }

  // Brings the current node into view, near enough to be read, and its operands unless they are far away.
  function follow() {
    const current = steps[shown - 1];
    if (!current) {
      if (!moved) fit();
      return;
    }
    let bounds = boundsOf([current.node, ...current.contributions.map(({ operand }) => operand)]);
    const fitting = scaleThatShows(bounds.right - bounds.left, bounds.bottom - bounds.top);
    const wanted = moved ? camera.scale : Math.max(readable, camera.scale);
    const scale = Math.min(wanted, Math.max(fitting, barelyReadable));
    if (fitting < scale) bounds = boundsOf([current.node]);
    if (isInView(bounds) && scale === camera.scale) return;
    placeInMiddle(scale, bounds.left, bounds.top, bounds.right, bounds.bottom);
  }

  const view = byId("view");
  let grip = null; // where the pointer went down, and where the graph was

  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("#zoom")) return;
    grip = { x: event.clientX, y: event.clientY, from: camera };
  });
  view.addEventListener("pointermove", (event) => {
    if (event.buttons === 0) grip = null; // let go outside of the window
    if (!grip) return;
    const [x, y] = [event.clientX - grip.x, event.clientY - grip.y];
    if (!view.classList.contains("dragged")) {
      if (Math.hypot(x, y) < 4) return; // a click
      view.classList.add("dragged");
      view.setPointerCapture(event.pointerId);
    }
    moved = true;
    place(camera.scale, grip.from.x + x, grip.from.y + y, false);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    view.addEventListener(end, () => {
      grip = null;
      view.classList.remove("dragged");
    });
  }
  // In a notebook the wheel turns the notebook's own page, unless Ctrl is held.
  view.addEventListener("wheel", (event) => {
    if (window.parent !== window && !event.ctrlKey) return;
    event.preventDefault();
    const { left, top } = view.getBoundingClientRect();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    zoom(Math.exp(-event.deltaY * lines * 0.002), event.clientX - left, event.clientY - top, false);
  }, { passive: false });
  new ResizeObserver(() => {
    if (moved) return;
    fit();
    if (byId("follow").checked) follow();
  }).observe(view);

  fit();
  go(Math.trunc(Number(new URLSearchParams(location.hash.slice(1)).get("step"))) || 0);
})();
