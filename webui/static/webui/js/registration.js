/** Asks the browser to keep the site's static files and a page for times without a connection. */

if ("serviceWorker" in navigator) {
  // After everything that the page needs: it is for the next visit.
  addEventListener("load", () => {
    navigator.serviceWorker.register("/service-worker.js").catch((error) => {
      console.info("This browser keeps nothing of the site; it works all the same.", error);
    });
  });
}
