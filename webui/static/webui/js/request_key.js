/** @returns {string} 128 random bits: names a request, so that it can be sent again without being carried out twice */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
