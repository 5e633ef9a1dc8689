"""Thunderbird, its own code for accounts, folders and sending, without a screen: an IMAP account by TLS, submission by STARTTLS."""
import ssl

import pytest

from mailbox_world import PATIENCE
from marionette import Thunderbird

IMPORTS = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
const until = async (what, condition) => {
  for (const end = Date.now() + %d000; ;) {
    const value = condition();
    if (value) return value;
    if (Date.now() > end) throw new Error("not within the time: " + what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
const listener = () => {
  const made = Promise.withResolvers();
  made.QueryInterface = ChromeUtils.generateQI(["nsIUrlListener"]);
  made.OnStartRunningUrl = () => {};
  made.OnStopRunningUrl = (url, status) => (Components.isSuccessCode(status) ? made.resolve() : made.reject(new Error("status " + status.toString(16))));
  return made;
};
const server = MailServices.accounts.accounts.find((account) => account.incomingServer?.type == "imap")?.incomingServer;
const folder = (name) => server.rootFolder.getChildNamed(name);
const inbox = () => until("INBOX", () => server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox));
const messages = (box) => [...box.messages];
""" % PATIENCE

ACCOUNT = """
const [certificate, login, password, imapHost, imapPort, smtpHost, smtpPort] = args;
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(certificate, "CT,,");
for (const scheme of ["imap://" + imapHost, "smtp://" + smtpHost]) {
  const info = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  info.init(scheme, null, scheme, login, password, "", "");
  await Services.logins.addLoginAsync(info);
}
const incoming = MailServices.accounts.createIncomingServer(login, imapHost, "imap");
incoming.port = imapPort;
incoming.socketType = Ci.nsMsgSocketType.SSL;
incoming.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
const outgoing = MailServices.outgoingServer.createServer("smtp");
outgoing.QueryInterface(Ci.nsISmtpServer);
outgoing.hostname = smtpHost;
outgoing.port = smtpPort;
outgoing.username = login;
outgoing.socketType = Ci.nsMsgSocketType.alwaysSTARTTLS;
outgoing.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
MailServices.outgoingServer.defaultServer = outgoing;
const identity = MailServices.accounts.createIdentity();
identity.email = login;
identity.fullName = "Pat Person";
identity.smtpServerKey = outgoing.key;
const account = MailServices.accounts.createAccount();
account.incomingServer = incoming;
account.addIdentity(identity);
MailServices.accounts.defaultAccount = account;
incoming.performExpand(null);
"""

READ = """
const box = await inbox();
box.updateFolder(null);
await until("two messages", () => box.getTotalMessages(false) == 2);
const done = listener();
box.QueryInterface(Ci.nsIMsgImapMailFolder);
// Its own update may still hold the folder.
await until("a free folder", () => {
  try {
    box.downloadAllForOffline(done, null);
    return true;
  } catch (failure) {
    if (failure.result == 0x8055000a) return false; // NS_MSG_FOLDER_BUSY
    throw failure;
  }
});
await done.promise;
return { subjects: messages(box).map((one) => one.mime2DecodedSubject).sort(), file: box.filePath.path };
"""

CHANGE = """
const box = await inbox();
const [flagged, moved, deleted] = ["Keep", "Move", "Delete"].map((name) => messages(box).find((one) => one.subject == name));
box.markMessagesFlagged([flagged], true);
box.markMessagesRead([flagged], true);
server.rootFolder.createSubfolder("Kölner Projekte", null);
const target = await until("the new folder", () => folder("Kölner Projekte"));
const copied = Promise.withResolvers();
MailServices.copy.copyMessages(box, [moved], target, true, {
  QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]), onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
  onStopCopy(status) { Components.isSuccessCode(status) ? copied.resolve() : copied.reject(new Error("copy " + status.toString(16))); },
}, null, false);
await copied.promise;
box.deleteMessages([deleted], null, false, false, null, false);
await until("three left", () => messages(box).length == 3);
"""

SEND = """
const [text, to] = args;
const account = MailServices.accounts.defaultAccount;
const file = Services.dirsvc.get("ProfD", Ci.nsIFile);
file.append("letter.eml");
await IOUtils.writeUTF8(file.path, text);
const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
fields.from = account.defaultIdentity.email;
fields.to = to;
const sent = Promise.withResolvers();
const observer = {
  QueryInterface: ChromeUtils.generateQI(["nsIMsgSendListener"]), onStartSending() {}, onProgress() {}, onStatus() {}, onSendProgress() {}, onGetDraftFolderURI() {},
  onSendNotPerformed() { sent.reject(new Error("not performed")); }, onTransportSecurityError(id, status, info) { sent.reject(new Error("TLS " + status.toString(16))); },
  onStopSending(id, status) { Components.isSuccessCode(status) ? sent.resolve() : sent.reject(new Error("sending " + status.toString(16))); },
};
Cc["@mozilla.org/messengercompose/send;1"].createInstance(Ci.nsIMsgSend).sendMessageFile(
  account.defaultIdentity, account.key, fields, file, false, false, Ci.nsIMsgSend.nsMsgDeliverNow, null, observer, null, "");
await sent.promise;
"""

PUSHED = """
const box = await inbox();
await until("mail by IDLE: " + args[0], () => messages(box).some((one) => one.mime2DecodedSubject == args[0]));
"""

# Mail that comes while it is loading a body is told then, outside of IDLE, and Thunderbird acts on it when it next looks.
ASKED = """
const box = await inbox();
await until("mail: " + args[0], () => {
  box.updateFolder(null);
  return messages(box).some((one) => one.mime2DecodedSubject == args[0]);
});
"""


@pytest.fixture
def thunderbird(tmp_path):
    started = Thunderbird(tmp_path, PATIENCE)
    yield started
    started.close()


def test_thunderbird(person, thunderbird):
    def script(body, *arguments):
        return thunderbird.script(IMPORTS + body, *arguments)

    certificate = "".join(open(person.ca).read().splitlines()[1:-1])
    assert ssl.PEM_cert_to_DER_cert(open(person.ca).read())
    person.receive("Grüße", "Keep")
    script(ACCOUNT, certificate, person.address, person.password, *person.imaps, *person.submission)
    synced = script(READ)
    assert synced["subjects"] == ["Grüße", "Keep"]
    kept = open(synced["file"], encoding="utf-8", errors="replace").read()     # what it holds for reading without a network
    assert "Body of Keep" in kept and kept.count("octet-stream") == 2

    person.receive("Move")
    script(PUSHED, "Move")                                                      # nobody asks: IDLE tells it
    person.receive("Delete")
    script(ASKED, "Delete")
    letter = person.letter("Köln", "Gesendet mit Thunderbird.\n")
    letter.replace_header("From", person.address)
    script(SEND, letter.as_string(), person.address)
    script(ASKED, "Köln")
    assert person.subjects("Sent") == ["Köln"]

    script(CHANGE)
    assert person.subjects() == ["Grüße", "Keep", "Köln"]
    assert {"\\Seen", "\\Flagged"} <= person.flags("Keep")
    assert person.subjects("K&APY-lner Projekte") == ["Move"]
    assert person.subjects("Trash") == ["Delete"]
