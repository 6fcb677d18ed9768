// The npm package "smpp" as an ESME: binds, sends, waits for its report and for a reply, leaves. Prints what it saw as
// JSON. Started as PORT TEXT.
import { createRequire } from "node:module";

const smpp = createRequire(import.meta.url)("smpp");
const [port, text] = process.argv.slice(2);
const saw = { bound: null, ids: [], statuses: [], receipts: [], replies: [] };
const session = smpp.connect({ host: "127.0.0.1", port: Number(port) });
const ask = (name, body) => new Promise((answered) => session[name](body, answered));

session.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
session.on("deliver_sm", (pdu) => {
  session.send(pdu.response());
  (pdu.esm_class & 4 ? saw.receipts : saw.replies).push(pdu.short_message.message);
});
session.on("connect", async () => {
  saw.bound = (await ask("bind_transceiver", { system_id: "npm", password: "any" })).command_status;
  for (const number of ["8613800000001", "8613800000002"]) {
    const body = { source_addr: "1069", destination_addr: number, short_message: text, registered_delivery: 1 };
    const answer = await ask("submit_sm", body);
    saw.statuses.push(answer.command_status);
    saw.ids.push(answer.message_id);
  }
  await ask("enquire_link", {});
  const begun = Date.now();
  while ((saw.receipts.length < 2 || saw.replies.length < 1) && Date.now() - begun < 15000)
    await new Promise((soon) => setTimeout(soon, 20));
  saw.state = (await ask("query_sm", { message_id: saw.ids[0], source_addr: "1069" })).message_state;
  saw.left = (await ask("unbind", {})).command_status;
  process.stdout.write(JSON.stringify(saw), () => process.exit(0));
});
