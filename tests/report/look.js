// What may be wrong with how a page looks. Each function returns a list of sentences, empty if all is well.

function shown(element) {
  return element.checkVisibility() && element.getClientRects().length > 0;
}

function texts(root = document.body) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(element) || element.closest("title, style, script")) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    found.push({ element, text: walker.currentNode.data.trim(), boxes: [...range.getClientRects()] });
  }
  return found;
}

// Text that stands outside of the page's width, but in tables that scroll by themselves.
function tooWide() {
  const width = document.documentElement.clientWidth;
  return texts()
    .filter(({ element, boxes }) => !element.closest(".scroll") && boxes.some(box => box.right > width + 1 || box.left < -1))
    .map(({ text }) => text);
}

// Elements that hide a part of their text.
function cut() {
  return [...document.querySelectorAll("body *")]
    .filter(each => shown(each) && each.textContent.trim() && !(each instanceof SVGElement))
    .filter(each => ["hidden", "clip"].includes(getComputedStyle(each).overflowX))
    .filter(each => each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1)
    .map(each => each.textContent.trim().slice(0, 60));
}

// A slanted text fills little of its box.
function slanted(element) {
  const angle = /rotate\((-?[\d.]+)/.exec(element.getAttribute("transform") || "");
  return angle !== null && parseFloat(angle[1]) % 90 !== 0;
}

// Pairs of texts that share more than a hair's breadth.
function overlapping() {
  const boxes = texts().filter(({ element }) => !slanted(element)).flatMap(({ text, boxes }) => boxes.map(box => ({ text, box })));
  boxes.sort((one, other) => one.box.top - other.box.top);
  const found = [];
  boxes.forEach((one, place) => {
    for (let next = place + 1; next < boxes.length && boxes[next].box.top < one.box.bottom; next++) {
      const other = boxes[next];
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      const letters = 0.45 * Math.min(one.box.height, other.box.height);
      if (wide > 2 && high > letters) found.push(`${one.text} / ${other.text}`);
    }
  });
  return found;
}

// Text of a plot that leaves it.
function outsideOfPlots() {
  return [...document.querySelectorAll("svg")].filter(shown).flatMap(svg => {
    const frame = svg.getBoundingClientRect();
    return texts(svg)
      .filter(({ boxes }) => boxes.some(box =>
        box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1))
      .map(({ text }) => text);
  });
}

function smallText(least) {
  return texts()
    .filter(({ element }) => {
      const svg = element.closest("svg");
      const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
      return parseFloat(getComputedStyle(element).fontSize) * scale < least;
    })
    .map(({ text }) => text);
}

function emptyPlots() {
  return [...document.querySelectorAll("svg")]
    .filter(svg => shown(svg) && (svg.querySelectorAll("path").length < 5 || svg.querySelectorAll("text").length < 4))
    .map(svg => svg.getAttribute("aria-label"));
}

function channels(colour) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}

function luminance([red, green, blue]) {
  const part = value => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
}

function contrast(one, other) {
  const [dark, light] = [luminance(channels(one)), luminance(channels(other))].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function contrastOf(one, other) {
  const root = getComputedStyle(document.documentElement);
  return contrast(root.getPropertyValue(one), root.getPropertyValue(other));
}

function background(element) {
  for (let each = element; each; each = each.parentElement) {
    const colour = getComputedStyle(each).backgroundColor;
    if (channels(colour)[3] === 255) return colour;
  }
  return "white";
}

// Text that is hard to read on what is behind it; letters on the boxes of plots are looked at apart.
function lowContrast(least) {
  const onBoxes = getComputedStyle(document.documentElement).getPropertyValue("--card");
  return texts()
    .filter(({ element }) => {
      const style = getComputedStyle(element);
      const ink = element instanceof SVGElement ? style.fill : style.color;
      if (element instanceof SVGElement && contrast(ink, onBoxes) === 1) return false;
      return contrast(ink, background(element)) < least;
    })
    .map(({ text }) => text);
}
