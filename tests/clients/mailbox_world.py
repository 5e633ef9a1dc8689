"""One account as its owner's programs see it: where the servers are, and by imaplib and smtplib what is in the mailboxes."""
import email.message
import email.policy
import email.utils
import imaplib
import os
import re
import smtplib
import ssl
import subprocess

PATIENCE = 90  # seconds until a client or a delivery counts as failed


class Person:
    def __init__(self, env, address, password, home):
        self.env, self.address, self.password, self.home = env, address, password, home
        self.ca = env["DROMOS_CA"]
        self.imap, self.imaps = self.server("IMAPD_IMAP"), self.server("IMAPD_IMAPS")
        self.submission, self.submissions = self.server("MTA_SUBMISSION"), self.server("MTA_SUBMISSIONS")
        self.mx = self.server("MTA_MX")

    def server(self, name):
        """Called by its name, which the certificate holds: many clients check no addresses."""
        return "localhost", int(self.env["DROMOS_%s_PORT" % name])

    def context(self):
        return ssl.create_default_context(cafile=self.ca)

    # -- its client ---------------------------------------------------------------------------------------
    def write(self, name, text):
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)  # most clients refuse a password that others can read
        return path

    def run(self, *command, status=0, input=None, environment=None):
        """The output of a client that must end with this status."""
        surroundings = dict(PATH=os.environ["PATH"], HOME=str(self.home), TERM="vt100", LC_ALL="C.UTF-8", **(environment or {}))
        done = subprocess.run([str(word) for word in command], input=input, stdin=None if input else subprocess.DEVNULL, env=surroundings, cwd=self.home,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=PATIENCE)
        assert done.returncode == status, "%s: exit %d\n%s" % (command[0], done.returncode, done.stdout[-6000:])
        return done.stdout

    def run_on_terminal(self, command):
        """For programs that draw on the screen."""
        return self.run("script", "-qec", command, "/dev/null")

    # -- what is there --------------------------------------------------------------------------------------
    def letter(self, subject, body="Hello.\n"):
        message = email.message.EmailMessage(policy=email.policy.SMTP)
        message["From"], message["To"], message["Subject"] = "Alice <%s>" % self.env["DROMOS_ALICE"], self.address, subject
        message["Date"], message["Message-ID"] = email.utils.localtime(), email.utils.make_msgid(domain=self.env["DROMOS_DOMAIN"])
        message.set_content(body)
        return message

    def receive(self, *subjects):
        """Mail from outside; the text of each is "Body of SUBJECT", with an attachment of 3,000 odd bytes."""
        with smtplib.SMTP(*self.mx, timeout=PATIENCE) as client:
            for subject in subjects:
                message = self.letter(subject, "Body of %s\n" % subject)
                message.add_attachment(bytes(range(250)) * 12, maintype="application", subtype="octet-stream", filename="Löwe.bin")
                client.sendmail(self.env["DROMOS_ALICE"], [self.address], message.as_bytes())

    def look(self):
        client = imaplib.IMAP4_SSL(*self.imaps, ssl_context=self.context(), timeout=PATIENCE)
        client.login(self.address, self.password)
        return client

    def count(self, mailbox="INBOX"):
        with self.look() as client:
            kind, data = client.select('"%s"' % mailbox, readonly=True)
            return int(data[0]) if kind == "OK" else None

    def subjects(self, mailbox="INBOX"):
        with self.look() as client:
            kind, data = client.select('"%s"' % mailbox, readonly=True)
            if kind != "OK":
                return None
            if data[0] == b"0":
                return []
            parts = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
            headers = [email.message_from_bytes(part[1], policy=email.policy.default) for part in parts if isinstance(part, tuple)]
            return sorted(str(one["Subject"]) for one in headers)

    def flags(self, subject, mailbox="INBOX"):
        with self.look() as client:
            client.select('"%s"' % mailbox, readonly=True)
            numbers = client.search(None, "SUBJECT", '"%s"' % subject)[1][0].split()
            assert len(numbers) == 1, "%d messages with subject %s in %s" % (len(numbers), subject, mailbox)
            data = client.fetch(numbers[0], "(FLAGS)")[1][0]
            return set(re.search(rb"FLAGS \(([^)]*)\)", data)[1].decode().split()) - {"\\Recent"}
