// What a pointer in the middle of each shape of a picture is told; shapes that tell nothing.
// The window has to be as tall as the page.
() => {
  const kinds = "conv boot rtc rtd pal acpr nvs mmio resv unus pmem unac oem ro rwx rib tint";
  const classes = new Set(kinds.split(" ").map((kind) => "ep-" + kind));
  const swatch = (shape) => ["18", "27"].includes(shape.getAttribute("width"))
    && shape.getAttribute("height") === "13";
  const middle = (shape) => {
    const box = shape.getBBox(), place = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (shape.tagName === "path" && !shape.isPointInFill(place)) {
      const point = shape.getPointAtLength(1);
      [place.x, place.y] = [point.x, point.y];
    }
    return place.matrixTransform(shape.getScreenCTM());
  };
  const bare = [];
  let told = 0;
  for (const svg of document.querySelectorAll("svg.ep-fig")) {
    for (const shape of svg.querySelectorAll("rect, path, circle, use")) {
      if (shape.closest("defs") || swatch(shape)) continue;
      const drawn = shape.tagName === "use" || [...shape.classList].some((name) => classes.has(name));
      if (!drawn) continue;
      const point = middle(shape), hit = document.elementFromPoint(point.x, point.y);
      if (!hit || !svg.contains(hit)) { bare.push(`${svg.id}: not reached: ${shape.outerHTML}`); continue; }
      let title = null;
      for (let at = hit; at !== svg && !title; at = at.parentElement)
        title = [...at.children].find((child) => child.tagName === "title");
      if (title && title.textContent.trim()) told += 1;
      else bare.push(`${svg.id}: ${shape.outerHTML}`.slice(0, 200));
    }
    for (const side of svg.querySelectorAll("g > .ep-side, a > .ep-side")) {
      const hole = side.parentElement;
      if (hole.querySelector("title").textContent.startsWith("overlap")) continue;
      const box = hole.getBoundingClientRect();
      const hit = document.elementFromPoint(box.x + box.width / 3, box.y + box.height / 2);
      if (hole.contains(hit)) told += 1;
      else bare.push(`${svg.id}: hole: ${hole.outerHTML}`.slice(0, 200));
    }
  }
  return { told, bare };
}
