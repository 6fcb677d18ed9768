// The npm package "smpp" as an SMSC: answers, reports, and one reply to every message. One JSON line a submit on stdout.
// The first line is {"port": N}. An id is decimal in the answer and hexadecimal in the report.
import { createRequire } from "node:module";

const smpp = createRequire(import.meta.url)("smpp");
let next = 1000000;

const server = smpp.createServer({ rejectUnauthorized: false }, (session) => {
  const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
  session.on("error", () => session.destroy());
  session.on("bind_transceiver", (pdu) => {
    const good = pdu.password === "secret";
    session.send(pdu.response({ command_status: good ? 0 : smpp.ESME_RINVPASWD, system_id: "npm" }));
    if (!good) session.close();
  });
  session.on("submit_sm", (pdu) => {
    const id = next++;
    const message = pdu.short_message.message;
    say({
      number: pdu.destination_addr,
      sender: pdu.source_addr,
      text: typeof message === "string" ? message : Buffer.from(message).toString("hex"),
      udh: pdu.short_message.udh ? pdu.short_message.udh.map((one) => Buffer.from(one).toString("hex")) : null,
      coding: pdu.data_coding,
      esm: pdu.esm_class,
      registered: pdu.registered_delivery,
    });
    if (pdu.destination_addr.endsWith("0005")) {
      session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
      return;
    }
    session.send(pdu.response({ message_id: String(id) }));
    const done = "submit date:2611241530 done date:2611241531";
    session.deliver_sm({
      source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr,
      esm_class: 4,
      short_message: `id:${id.toString(16)} sub:001 dlvrd:001 ${done} stat:DELIVRD err:000 text:`,
    });
    session.deliver_sm({
      source_addr_ton: 1,
      source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr,
      data_coding: 8,
      short_message: "收到",
    });
  });
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on("deliver_sm_resp", (pdu) => say({ acknowledged: pdu.command_status }));
});
server.listen(0, "127.0.0.1", () => process.stdout.write(JSON.stringify({ port: server.address().port }) + "\n"));
