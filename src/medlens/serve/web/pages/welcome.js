// The link's secret stands behind "#", which no server is sent: put it into the form,
// and take it out of the address and the history.
const secret = location.hash.slice(1);
if (secret) {
  document.getElementById("invitation").value = decodeURIComponent(secret);
  document.getElementById("typed").hidden = true;
  history.replaceState(null, "", location.pathname);
}
