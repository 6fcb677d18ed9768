// npm's soap with the WSDL, over either port. Arguments: phase, way, address, account, password, text.
// Prints what it saw as JSON.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import soap from 'soap';

const [phase, way, url, CorpID, Pwd, Content] = process.argv.slice(2);
const client = await soap.createClientAsync(`${url}LinkWS.asmx?wsdl`, { forceSoap12Headers: way === 'wsdl12' });
const port = client.LinkWS[way === 'wsdl12' ? 'LinkWSSoap12' : 'LinkWSSoap'];

const ask = async (operation, values) => {
  const answer = await promisify(port[operation]).call(client, values);
  assert.deepEqual(Object.keys(answer), [`${operation}Result`]);
  return answer[`${operation}Result`];
};
const who = { CorpID, Pwd };

const send = async () => {
  const md5 = { CorpID, Pwd: createHash('md5').update(Pwd).digest('hex') };
  const call = { Mobile: '13800000000', Content, Cell: '', SendTime: '' };
  const saw = {
    batch_send2: await ask('BatchSend2', { ...who, ...call, Cell: '12' }),
    send: await ask('Send', { ...who, ...call }),
    sel_sum: await ask('SelSum', who),
    sel_sum_again: await ask('SelSum', who),
    unsigned: await ask('BatchSend2', { ...who, Mobile: '13800000000', Content: 'hello' }),
    intl_send: await ask('IntlSend', { ...md5, ...call, Mobile: '13800000000,13900000000' }),
    empty: await ask('IntlSend', { ...md5, ...call, Content: '' }),
    balance: await ask('GetBalance', md5),
    nothing: await ask('NotSend', who),
  };
  assert.ok(parseInt(saw.batch_send2, 10) > 0);
  assert.match(saw.batch_send2, /^[1-9][0-9]*$/);
  assert.ok(saw.send === 0);
  assert.ok(saw.unsigned < 0 && saw.empty < 0);
  return saw;
};

const fetch = async () => ({
  replies: await ask('Get', who),
  replies_again: await ask('Get', who),
  reports: await ask('GetReportSMS', who),
  reports_again: await ask('GetReportSMS', who),
});

console.log(JSON.stringify(await (phase === 'send' ? send() : fetch())));
