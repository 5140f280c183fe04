// Texts outside of their picture, and texts over each other, by more than two units.
() => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  const root = document.documentElement;
  const pictures = root.tagName === "svg" ? [root] : [...root.querySelectorAll(`svg[class="ep-fig"]`)];
  const wrong = [];
  for (const svg of pictures) {
    const view = svg.viewBox.baseVal, box = svg.getBoundingClientRect();
    const scale = view.width / box.width;
    const texts = [...svg.querySelectorAll("text")].filter((text) => !text.closest("defs")).map((text) => {
      const at = text.getBoundingClientRect();
      return {
        said: text.textContent,
        left: (at.left - box.left) * scale, right: (at.right - box.left) * scale,
        top: (at.top - box.top) * scale, bottom: (at.bottom - box.top) * scale,
      };
    });
    texts.forEach((one, place) => {
      if (one.left < -2 || one.top < -2 || one.right > view.width + 2 || one.bottom > view.height + 2)
        wrong.push(`${svg.id}: outside: ${one.said}`);
      for (const other of texts.slice(place + 1)) {
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (across > 2 && down > 2) wrong.push(`${svg.id}: ${one.said} over ${other.said}`);
      }
    });
  }
  return { pictures: pictures.length, wrong };
}
