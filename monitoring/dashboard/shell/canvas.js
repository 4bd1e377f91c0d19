/** A canvas at the resolution of the screen it is on. */

/**
 * Clears the canvas, sized to its box in the page.
 * @param {HTMLCanvasElement} canvas
 * @returns {{pen: CanvasRenderingContext2D, width: number, height: number}} a pen that works in the page's pixels
 */
export function fitted(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const pixels = globalThis.devicePixelRatio || 1;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (canvas.width !== Math.round(width * pixels) || canvas.height !== Math.round(height * pixels)) {
    canvas.width = Math.round(width * pixels);
    canvas.height = Math.round(height * pixels);
  }
  pen.setTransform(pixels, 0, 0, pixels, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}
