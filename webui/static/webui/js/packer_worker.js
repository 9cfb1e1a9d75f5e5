/** Packs pictures of the camera on a thread of its own, so that the page's thread is free for the hamster. */

const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });

/** @param {import("./packer.js").Order & {source: VideoFrame}} order @returns {Promise<import("./packer.js").Packed>} */
async function pack({ source, part, size, type, quality }) {
  const still = await createImageBitmap(source, part.x, part.y, part.width, part.height).finally(() => source.close());
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  context.drawImage(still, 0, 0, size.width, size.height);
  return { still, picture: await canvas.convertToBlob({ type, quality }) };
}

addEventListener("message", async ({ data }) => {
  try {
    const packed = await pack(data);
    postMessage(packed, [packed.still]);
  } catch (error) {
    postMessage({ trouble: String(error) });
  }
});
