// imapflow against imapd: IDLE wakes on APPEND, mailboxes, search, fetch of parts, flags, move. Ends with "all well".
import assert from 'node:assert/strict';
import { ImapFlow } from 'imapflow';

const { HOST, PORT, LOGIN, PASSWORD } = process.env;
const open = () =>
  new ImapFlow({ host: HOST, port: Number(PORT), secure: true, auth: { user: LOGIN, pass: PASSWORD }, logger: false });

const client = open();
await client.connect();
const created = await client.mailboxCreate(['Projekte', 'Köln']);
assert.equal(created.created, true);
const boxes = await client.list({ statusQuery: { messages: true, unseen: true } });
assert.equal(boxes.find((box) => box.path === 'INBOX').status.messages, 2);
assert.ok(boxes.find((box) => box.specialUse === '\\Trash'));
assert.ok(boxes.find((box) => box.name === 'Köln'));

const lock = await client.getMailboxLock('INBOX');
try {
  const seen = [];
  for await (const message of client.fetch('1:*', { uid: true, flags: true, envelope: true, bodyStructure: true, bodyParts: ['1'] })) {
    seen.push(message.envelope.subject);
    assert.equal(message.bodyStructure.childNodes.length, 2);
    assert.match(message.bodyParts.get('1').toString(), /Body of/);
  }
  assert.deepEqual(seen, ['First', 'Second']);
  const { content } = await client.download('1', '2');
  const chunks = [];
  for await (const chunk of content) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).length, 3000);

  const [uid] = await client.search({ subject: 'First' }, { uid: true });
  assert.equal(await client.messageFlagsAdd({ uid }, ['\\Flagged', '$Todo']), true);
  const marked = await client.fetchOne(String(uid), { flags: true }, { uid: true });
  assert.deepEqual([...marked.flags].map((flag) => flag.toLowerCase()).sort(), ['$todo', '\\flagged']);  // flags have no case
  const moved = await client.messageMove({ uid }, created.path);
  assert.equal(moved.uidMap.size, 1);

  // A second session appends; the first learns of it in IDLE.
  const woken = new Promise((resolve) => client.once('exists', resolve));
  const idling = client.idle();
  const other = open();
  await other.connect();
  const appended = await other.append('INBOX', 'Subject: Third\r\n\r\nBody of Third\r\n', ['\\Seen']);
  assert.equal((await woken).count, 2);
  await client.noop();
  await idling;
  assert.equal(await client.messageDelete({ uid: appended.uid }, { uid: true }), true);
  await other.logout();
} finally {
  lock.release();
}
await client.logout();
console.log('all well');
