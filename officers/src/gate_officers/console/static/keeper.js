// Holds a shift's keys for the pages of this browser, in memory alone. Ends half a minute after the last page at the latest.

let shift = null;

onconnect = ({ ports: [page] }) => {
  page.onmessage = ({ data, ports: [answer] }) => {
    if ("keep" in data) shift = data.keep;
    answer.postMessage(shift);
  };
};
