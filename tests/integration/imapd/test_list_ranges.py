"""LIST and LSUB of names and of patterns with a literal beginning read only what can match (common/store/mailboxes.h, in_range): they
tell what LIST of everything tells of those mailboxes."""
import re

BOB = "bob@example.test"
ANN = "alice@example.test"
NAMES = ["Work", "Work/2025", "Work/2025/jan", "Work/2026", "Work/2026/jan/week1", "Workshop", "work", "a", "a/b", "a/b/c", "a/b/c/d", "a/bc", "a/bc/d",
         "INBOX/kept", "INBOX/kept/deep", "Inboxes", "\u00dcber/m\u00e4rz", "\u00dcber", "Other", "Otherwise/x", "x/y/z", "100%25"]
PATTERNS = ["Work", "Work/", "Work/%", "Work/*", "Work%", "Work*", "Work/2%", "Work/2025/%", "Work/%/%", "Work/%/jan", "Work/*1", "W%/2025", "%", "*", "%/%", "%/b", "a/b", "a/b%",
            "a/b/%", "a/b*", "a//b", "inbox", "INBOX", "iNbOx/%", "INBOX/*", "inb%", "IN*", "i%", "\u00dcber%", "\u00dcber/m%", "Other", "Other%", "Other*", "Other %", "Other U*",
            "Sh%", "Shared Folders/%", "none", "none/%", "none*", "Work/2025/jan/none", "x/y/z/%", "a/b/c/d", "Other Users", "Other Users/%", "Other Users/*",
            "Other Users/%s/%%" % ANN, "Other Users/%s/Team*" % ANN, "Other Users/%s/Team/in%%" % ANN]


def as_regex(pattern):
    """RFC 9051 §6.3.9; INBOX at the beginning in any case."""
    body = "".join(".*" if c == "*" else "[^/]*" if c == "%" else re.escape(c) for c in pattern)
    return re.compile(body + r"\Z", re.DOTALL)


def matches(pattern, name):
    if as_regex(pattern).match(name):
        return True
    if name == "INBOX" or name.startswith("INBOX/"):
        rest = name[5:]
        return any(as_regex(pattern).match("".join(each) + rest) for each in spellings("INBOX", pattern[:5]))
    return False


def spellings(word, like):
    """INBOX as the pattern spells its first letters."""
    yield [like[i] if i < len(like) and like[i].upper() == c else c for i, c in enumerate(word)]


def rows(lines):
    """name -> attributes, as told; each once."""
    out = {}
    for line in lines:
        found = re.match(rb'\* (?:LIST|LSUB) \(([^)]*)\) "/" (?:"((?:[^"\\]|\\.)*)"|(\S+))(.*)', line)
        assert found, line
        name = (found.group(2) if found.group(2) is not None else found.group(3)).decode()
        assert name not in out, name
        out[name] = (frozenset(found.group(1).split()), found.group(4))
    return out


def listed(client, command):
    return rows(client.ok(command.encode()))


def quoted(text):
    return '"' + text + '"'


def prepared(connect):
    owner = connect(ANN)
    for name in ("Team", "Team/inner", "Team/inner/most", "Hidden", "Hidden/shown", "Secret"):
        owner.ok('CREATE "%s"' % name)
    for name in ("Team", "Team/inner", "Hidden/shown"):
        owner.ok('SETACL "%s" %s lr' % (name, BOB))
    client = connect(BOB)
    client.ok("ENABLE IMAP4rev2")
    for name in NAMES:
        client.run(("CREATE " + quoted(name)).encode())
        client.ok(("SUBSCRIBE " + quoted(name)).encode())
    for name in ("Work/2025", "a/b/c", "Other"):
        client.ok("UNSUBSCRIBE " + name)
    client.ok("DELETE a/bc/d")  # its subscription stays
    client.ok('SUBSCRIBE "Other Users/%s/Team/inner"' % ANN)
    return client


def test_patterns_tell_what_listing_all_tells(connect):
    client = prepared(connect)
    for options in ("", "(SUBSCRIBED) ", "(RECURSIVEMATCH SUBSCRIBED) ", "(SPECIAL-USE) "):
        everything = listed(client, 'LIST %s"" (*)' % options)
        if not options:
            assert len(everything) > 25
        if "RECURSIVE" in options:
            continue  # a pattern says what is not told, which listing all knows nothing of
        for pattern in PATTERNS:
            if options and pattern in ("*", "%"):
                continue
            expected = {name: told for name, told in everything.items() if matches(pattern, name)}
            got = listed(client, 'LIST %s"" (%s)' % (options, quoted(pattern)))
            # Levels that are no mailboxes are told where the pattern ends with them, not by all.
            levels = {name for name, (attributes, _) in got.items() if b"\\NonExistent" in attributes and name not in everything}
            assert {name: told for name, told in got.items() if name not in levels} == expected, (options, pattern)
            assert all(name.startswith(("Other Users", "Shared Folders")) for name in levels), pattern


def test_several_patterns_tell_each_mailbox_once(connect):
    client = prepared(connect)
    everything = listed(client, 'LIST "" *')
    for several in (("Work", "Work/%"), ("a/b", "a/b/*", "a/%"), ("%", "Work/2025/*", "inbox/%"), tuple(PATTERNS[:12])):
        expected = {name: told for name, told in everything.items() if any(matches(pattern, name) for pattern in several)}
        got = listed(client, 'LIST "" (%s) RETURN (CHILDREN)' % " ".join(quoted(each) for each in several))
        assert {name: told for name, told in got.items() if name in everything} == expected, several


def test_lsub_tells_what_is_subscribed_below(connect):
    client = prepared(connect)
    client = connect(BOB)  # rev1
    everything = set(listed(client, 'LSUB "" *'))
    assert "a/b/c" not in everything and "a/b/c/d" in everything
    for pattern in PATTERNS:
        if not pattern.isascii():
            continue
        got = listed(client, 'LSUB "" %s' % quoted(pattern))
        told = {name for name, (attributes, _) in got.items() if b"\\Noselect" not in attributes}
        assert told == {name for name in everything if matches(pattern, name)}, pattern
        for name in set(got) - told:
            assert any(other.startswith(name + "/") for other in everything), name
    assert b"\\Noselect" in listed(client, 'LSUB "" a/b/%')["a/b/c"][0]


def test_recursive_match_sees_what_is_below(connect):
    client = prepared(connect)
    got = client.ok('LIST (RECURSIVEMATCH SUBSCRIBED) "" Work/%')
    assert any(b"Work/2025" in line and b'"CHILDINFO" ("SUBSCRIBED")' in line for line in got)
