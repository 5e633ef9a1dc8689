"""mbsync's settings for one account and one folder of maildirs, everything copied both ways."""

TEXT = """IMAPAccount x
Host %(host)s
Port %(port)d
User %(login)s
Pass %(password)s
SSLType %(tls)s
CertificateFile %(ca)s
%(more)s
IMAPStore far
Account x

MaildirStore near
Path %(maildir)s/
Inbox %(maildir)s/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
"""


def settings(address, login, password, ca, maildir, tls="IMAPS", more=""):
    """`tls` is IMAPS or STARTTLS; `more` are lines for the account. `maildir` must be there."""
    return TEXT % dict(host=address[0], port=address[1], login=login, password=password, ca=ca, maildir=maildir, tls=tls, more=more)


def complaint(output):
    """What mbsync says of a problem it goes on with; its exit status may be 0."""
    return "rror" in output or "arning" in output
