/** Keys for what must have its effect once, however often it is sent: the same body has the same key, another one another. */

export function createOnce() {
  let sent = "";
  let key = "";

  /** @param {unknown} body */
  return (body) => {
    const text = JSON.stringify(body);
    if (key === "" || text !== sent) {
      sent = text;
      // Not randomUUID: that is not there on a page that came over plain HTTP.
      key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
    }
    return key;
  };
}
