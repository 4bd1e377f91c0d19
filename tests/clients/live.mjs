// A dashboard's connection by the npm client, one JSON line for everything that happens.
// Arguments: address, token, transport ("polling" or "websocket"), what to subscribe to as JSON.
import { io } from "socket.io-client";

const [address, token, transport, subscription] = process.argv.slice(2);
const say = (event, data) => process.stdout.write(`${JSON.stringify({ event, data })}\n`);
const socket = io(address, { auth: { token }, transports: [transport], reconnection: false, timeout: 60_000 });

socket.on("connect", async () => {
  say("connect", null);
  say("acknowledged", await socket.timeout(60_000).emitWithAck("subscribe", JSON.parse(subscription)));
});
socket.on("connect_error", (error) => {
  say("connect_error", error.message);
  process.exit(1);
});
socket.on("disconnect", (reason) => say("disconnect", reason));
socket.onAny(say);
