// A client of json-rpc-2.0 over ws: does what its argument says, prints what it was told as JSON.
//
//   node client.cjs URL STEPS      STEPS: a JSON list of [method, params], or of lists of these (a batch)

const { createJSONRPCRequest, JSONRPCClient, JSONRPCServer, JSONRPCServerAndClient } = require("json-rpc-2.0");
const WebSocket = require("ws");

const [url, steps] = [process.argv[2], JSON.parse(process.argv[3])];
const socket = new WebSocket(url);
const told = [];
let lastId = 0;

const client = new JSONRPCClient((payload) => socket.send(JSON.stringify(payload)), () => ++lastId);
const server = new JSONRPCServer();
const both = new JSONRPCServerAndClient(server, client);

// Whatever the daemon tells is kept; who waits for the end of a command is woken.
const ends = new Map();
for (const method of ["Event", "Error", "Ended", "CallStart", "CallHold", "Echo", "CallEvent"]) {
  both.addMethod(method, (params) => {
    told.push({ method, ...params });
    if (params.event === "Ended") (ends.get(params.cmd_id) ?? (() => {}))();
  });
}

async function follow(result) {
  if (result?.status !== "Started") return result;
  if (!told.some((one) => one.event === "Ended" && one.cmd_id === result.cmd_id)) {
    await new Promise((resolve) => ends.set(result.cmd_id, resolve));
  }
  return result;
}

async function step(asked) {
  if (Array.isArray(asked[0])) {
    const batch = asked.map(([method, params]) => createJSONRPCRequest(++lastId, method, params));
    return await client.requestAdvanced(batch);
  }
  try {
    return await follow(await both.request(asked[0], asked[1]));
  } catch (error) {
    return { code: error.code, message: error.message, data: error.data };
  }
}

socket.on("message", (text) => both.receiveAndSend(JSON.parse(text.toString())));
socket.on("error", (error) => { console.error(error.message); process.exit(1); });
socket.on("open", async () => {
  const results = [];
  for (const asked of steps) results.push(await step(asked));
  console.log(JSON.stringify({ results, told }));
  socket.close();
});
