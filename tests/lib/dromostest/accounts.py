"""Domains, accounts, aliases by SQL, and what is in mailboxes, for tests that start no admind or imapd.

    mail = Accounts(suite)
    mail.account("bob@example.test", "secret")
    mail.mailbox("bob@example.test")            # [Stored(uid=1, message=..., size=...)]
"""
import collections
import hashlib
import hmac
import os

ITERATIONS = 4096

Stored = collections.namedtuple("Stored", "uid message mailbox size flags")


def quote(text):
    return "'" + str(text).replace("'", "''") + "'"


def scram(password, algorithm):
    """(salt, iterations, stored key, server key); RFC 5802 §3."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, ITERATIONS)
    client_key = hmac.new(salted, b"Client Key", algorithm).digest()
    return salt, ITERATIONS, hashlib.new(algorithm, client_key).digest(), \
        hmac.new(salted, b"Server Key", algorithm).digest()


def verifier(password, algorithm):
    salt, iterations, stored, server = scram(password, algorithm)
    return "'\\x%s', %d, '\\x%s', '\\x%s'" % (salt.hex(), iterations, stored.hex(), server.hex())


class Accounts:
    def __init__(self, suite, domain="example.test"):
        self.suite = suite
        self.domain(domain)

    def domain(self, name, enabled=True):
        self.suite.sql("SELECT directory.domain_create_v1(%s, %s, true)" % (quote(name), enabled))

    def account(self, login, password="secret", quota=0, enabled=True):
        return int(self.suite.sql(
            "SELECT directory.account_create_v1(%s, '', %d, %s, 'scram', '', %s, %s)"
            % (quote(login), quota, enabled, verifier(password, "sha256"), verifier(password, "sha1"))))

    def accounts(self, logins, password="secret"):
        """Many in one statement, all with one password."""
        keys = "%s, %s" % (verifier(password, "sha256"), verifier(password, "sha1"))
        self.suite.sql("SELECT directory.account_create_v1(login, '', 0, true, 'scram', '', %s) FROM unnest(ARRAY[%s]) login"
                       % (keys, ",".join(map(quote, logins))))

    def alias(self, address, targets, kind="alias", send_as=False):
        local, _, domain = address.rpartition("@")
        self.suite.sql("SELECT directory.address_put_v1(%s, %s, %s, %s, '', %s, true)"
                       % (quote(kind), quote(local), quote(domain), "E" + quote("\\n".join(targets)), send_as))

    def id(self, login):
        return int(self.suite.sql("SELECT directory.need_account(%s)" % quote(login)))

    def mailbox(self, login, role=None):
        """Entries of an account by mailbox and uid; `role` is inbox, junk..."""
        where = "" if role is None else " AND b.special_use = %s" % quote(role)
        rows = self.suite.sql(
            "SELECT e.uid, e.message_id, b.special_use, e.size, e.flags FROM mail.entry e"
            " JOIN mail.mailbox b USING (account_id, mailbox_id)"
            " WHERE e.account_id = directory.need_account(%s)%s ORDER BY b.mailbox_id, e.uid" % (quote(login), where))
        return [Stored(*row.split("|")) for row in rows.splitlines()]

    def preview(self, login, message):
        """The search text is compressed; facts hold the subject and preview in the clear."""
        return bytes.fromhex(self.suite.sql(
            "SELECT encode(facts, 'hex') FROM mail.message WHERE account_id = directory.need_account(%s)"
            " AND message_id = %s" % (quote(login), quote(message))))

    def raw(self, login, message):
        """The message's bytes, by the zstd tool."""
        import subprocess
        rows = self.suite.sql(
            "SELECT encode(b.header, 'hex') || ' ' || encode(coalesce(b.body, ''), 'hex') FROM mail.message m JOIN mail.blob b"
            " ON b.account_id = m.account_id AND b.hash = m.blob_hash WHERE m.account_id = directory.need_account(%s)"
            " AND m.message_id = %s" % (quote(login), quote(message)))
        out = b""
        for part in rows.split(" "):
            if part:
                out += subprocess.run(["zstd", "-dc"], input=bytes.fromhex(part), stdout=subprocess.PIPE, check=True).stdout
        return out

    def queue(self):
        """(address, transport, sender, recipient options) of what waits."""
        rows = self.suite.sql("SELECT r.address, r.transport, m.sender, r.options FROM queue.recipient r"
                              " JOIN queue.message m USING (queue_id) ORDER BY r.address")
        return [tuple(row.split("|")) for row in rows.splitlines()]

    def trace(self, text):
        """Event names of a trace id as it stands in a reply (X...)."""
        import base64
        raw = base64.b32decode(text[1:].upper() + "=" * (-len(text[1:]) % 8))
        rows = self.suite.sql("SELECT event FROM mail.trace WHERE trace_id = '%s'::uuid ORDER BY at" % raw.hex())
        return rows.splitlines()
