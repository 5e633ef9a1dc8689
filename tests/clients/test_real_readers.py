"""Programs that people read mail with on a terminal: mutt and neomutt, keys pressed by a script."""
import pytest


@pytest.mark.parametrize("program", ["mutt", "neomutt"])
def test_mutt_reads_saves_flags_and_sends(person, program):
    person.receive("First", "Last")
    settings = person.write("muttrc", """set imap_user="%(login)s" imap_pass="%(password)s" ssl_starttls=no ssl_verify_host=no
set certificate_file="%(ca)s" folder="imaps://%(host)s:%(port)d/" spoolfile="imaps://%(host)s:%(port)d/INBOX"
set from="%(login)s" realname="Pat" smtp_url="smtps://%(user)s@%(submission_host)s:%(submission_port)d/" smtp_pass="%(password)s"
set record="=Sent" postponed="=Drafts" quit=yes delete=yes confirmappend=no move=no sort=mailbox-order wait_key=no beep=no
unset header_cache
push "<first-entry><display-message><exit><save-message>=Archive<enter><last-entry><flag-message><sync-mailbox><quit>"
""" % dict(login=person.address, user=person.address.replace("@", "%40"), password=person.password, ca=person.ca, host=person.imaps[0],
           port=person.imaps[1], submission_host=person.submissions[0], submission_port=person.submissions[1]))
    screen = person.run_on_terminal("%s -n -F %s" % (program, settings))
    assert person.subjects("Archive") == ["First"], screen[-2000:]
    assert person.subjects() == ["Last"]
    assert "\\Flagged" in person.flags("Last")
    person.run(program, "-n", "-F", settings, "-e", "set certificate_file=%s" % person.ca, "-s", "Grüße aus Köln", "-a", settings, "--", person.address, input="Hallo.\n")
    assert person.subjects() == ["Grüße aus Köln", "Last"]
    # Without a terminal, neomutt keeps no copy on an IMAP server.
    assert person.subjects("Sent") == (["Grüße aus Köln"] if program == "mutt" else [])
