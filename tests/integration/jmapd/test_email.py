"""Email/import, get, query, set, changes, parse; Thread/get (RFC 8621 §3, §4)."""
import email
import email.policy
import json

import pytest

from jmap_client import message

MULTI = (b"From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\nTo: a@example.test, Team: b@example.test, c@example.test;\r\n"
         b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nDate: Sun, 22 Nov 2026 03:04:05 +0100\r\nMessage-ID: <m1@example.org>\r\n"
         b"List-Post: <mailto:list@example.org>\r\nX-Twice: one\r\nX-Twice: two\r\nMIME-Version: 1.0\r\n"
         b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
         b"Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6n\r\n--b\r\nContent-Type: application/pdf; name=x.pdf\r\n"
         b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"x.pdf\"\r\n\r\nSGVsbG8=\r\n--b--\r\n")


def get(client, ids, **arguments):
    return client.call("Email/get", ids=ids if isinstance(ids, list) else [ids], **arguments)["list"]


def subjects(client, **arguments):
    ids = client.call("Email/query", **arguments)["ids"]
    found = {one["id"]: one["subject"] for one in get(client, ids, properties=["subject"])}
    return [found[one] for one in ids]


def test_the_story_of_quickstart(alice):
    alice.import_(MULTI)
    answers = alice.calls(
        ["Email/query", {"sort": [{"property": "receivedAt", "isAscending": False}], "limit": 1}, "q"],
        ["Email/get", {"#ids": {"resultOf": "q", "name": "Email/query", "path": "/ids"},
                       "properties": ["id", "messageId", "subject", "from", "preview", "hasAttachment"]}, "g"])
    found, = answers[1][1]["list"]
    assert found["messageId"] == ["m1@example.org"]
    assert found["subject"] == "Grüße"
    assert found["from"] == [{"name": "Jörg", "email": "joerg@example.org"}]
    assert found["preview"] == "Schön" and found["hasAttachment"] is True


def test_get_gives_headers_in_every_form(alice):
    key = alice.import_(MULTI)["id"]
    one, = get(alice, key, properties=[
        "header:X-Twice", "header:X-Twice:all", "header:Subject", "header:Subject:asText", "header:List-Post:asURLs",
        "header:To:asGroupedAddresses", "header:Date:asDate", "header:Message-ID:asMessageIds", "header:None:asText", "headers"])
    assert one["header:X-Twice"] == " two" and one["header:X-Twice:all"] == [" one", " two"]
    assert one["header:Subject"] == " =?utf-8?b?R3LDvMOfZQ==?=" and one["header:Subject:asText"] == "Grüße"
    assert one["header:List-Post:asURLs"] == ["mailto:list@example.org"]
    assert [group["name"] for group in one["header:To:asGroupedAddresses"]] == [None, "Team"]
    assert one["header:Date:asDate"] == "2026-11-22T03:04:05+01:00"
    assert one["header:Message-ID:asMessageIds"] == ["m1@example.org"] and one["header:None:asText"] is None
    assert one["headers"][0] == {"name": "From", "value": " =?utf-8?q?J=C3=B6rg?= <joerg@example.org>"}
    for bad in ("header:From:asDate", "header:", "header:X:asNothing", "nonsense"):
        assert alice.error("Email/get", ids=[key], properties=[bad]) == "invalidArguments"


def test_get_gives_bodies(alice):
    key = alice.import_(MULTI)["id"]
    one, = get(alice, key, properties=["bodyStructure", "textBody", "htmlBody", "attachments", "bodyValues"],
               fetchTextBodyValues=True)
    text, = one["textBody"]
    assert (text["type"], text["charset"], text["size"]) == ("text/plain", "iso-8859-1", 5)
    assert one["bodyValues"] == {text["partId"]: {"value": "Schön", "isEncodingProblem": False, "isTruncated": False}}
    attached, = one["attachments"]
    assert (attached["name"], attached["size"], attached["disposition"]) == ("x.pdf", 5, "attachment")
    assert one["bodyStructure"]["partId"] is None and len(one["bodyStructure"]["subParts"]) == 2
    cut, = get(alice, key, properties=["bodyValues"], fetchAllBodyValues=True, maxBodyValueBytes=4)
    assert cut["bodyValues"][text["partId"]] == {"value": "Sch", "isEncodingProblem": False, "isTruncated": True}
    status, headers, data = alice.download(attached["blobId"], "x.pdf", "application/pdf")
    assert (status, data, headers["Content-Type"]) == (200, b"Hello", "application/pdf")


def test_unknown_ids_are_not_found(alice, bob):
    foreign = bob.import_(MULTI)
    answer = alice.call("Email/get", ids=[foreign["id"], "nonsense", ""], properties=["id"])
    assert answer["list"] == [] and sorted(answer["notFound"]) == sorted([foreign["id"], "nonsense", ""])
    assert alice.download(foreign["blobId"])[0] == 404
    taken = alice.call("Email/import", emails={"k": {"blobId": foreign["blobId"], "mailboxIds": {alice.mailbox(): True}}})
    assert taken["notCreated"]["k"]["type"] == "invalidProperties"


def test_query_filters_and_sorts(alice):
    for number, (subject, body) in enumerate([("Apple", "red fruit"), ("pear", "Green FRUIT"), ("Stone", "grey")]):
        alice.import_(message(subject, body, From="%s <s%d@example.org>" % ("CBA"[number], number)),
                      keywords={"$seen": True} if number else {}, receivedAt="2026-01-0%dT00:00:00Z" % (number + 1))

    def found(condition):
        return sorted(subjects(alice, filter=condition))

    assert found({"text": "fruit"}) == ["Apple", "pear"]
    assert found({"body": "\"green fruit\""}) == ["pear"]
    assert found({"subject": "STONE"}) == ["Stone"]
    assert found({"from": "s1@example.org"}) == ["pear"]
    assert found({"header": ["Subject", "ppl"]}) == ["Apple"] and found({"header": ["X-None"]}) == []
    assert found({"hasKeyword": "$seen"}) == ["Stone", "pear"] and found({"notKeyword": "$Seen"}) == ["Apple"]
    assert found({"after": "2026-01-02T00:00:00Z"}) == ["Stone", "pear"]
    assert found({"before": "2026-01-02T00:00:00Z"}) == ["Apple"]
    assert found({"hasAttachment": True}) == [] and len(found({"minSize": 1, "maxSize": 100_000})) == 3
    assert found({"operator": "NOT", "conditions": [{"text": "fruit"}, {"subject": "none"}]}) == ["Stone"]
    assert found({"operator": "OR", "conditions": [{"subject": "apple"}, {"hasKeyword": "none"}, {"body": "grey"}]}) == ["Apple", "Stone"]
    assert found({"inMailbox": alice.mailbox()}) == ["Apple", "Stone", "pear"] and found({"inMailbox": "Pzzz"}) == []
    assert subjects(alice, sort=[{"property": "subject"}]) == ["Apple", "pear", "Stone"]
    assert subjects(alice, sort=[{"property": "from"}]) == ["Stone", "pear", "Apple"]
    assert subjects(alice, sort=[{"property": "hasKeyword", "keyword": "$seen"}, {"property": "receivedAt", "isAscending": False}]) \
        == ["Apple", "Stone", "pear"]
    order = [{"property": "receivedAt"}]
    everything = alice.call("Email/query", sort=order, calculateTotal=True)
    assert everything["total"] == 3 and everything["canCalculateChanges"]
    ids = everything["ids"]
    assert alice.call("Email/query", sort=order, position=-1)["ids"] == ids[2:]
    assert alice.call("Email/query", sort=order, position=1, limit=1)["ids"] == ids[1:2]
    assert alice.call("Email/query", sort=order, anchor=ids[2], anchorOffset=-1)["ids"] == ids[1:]
    assert alice.error("Email/query", sort=order, anchor="none") == "anchorNotFound"
    assert alice.error("Email/query", filter={"nonsense": 1}) == "unsupportedFilter"
    assert alice.error("Email/query", sort=[{"property": "nonsense"}]) == "unsupportedSort"
    assert alice.error("Email/query", filter={"before": "yesterday"}) == "invalidArguments"
    assert alice.error("Email/query", filter=[]) == "invalidArguments"
    deep = {"subject": "x"}
    for _ in range(24):
        deep = {"operator": "NOT", "conditions": [deep]}
    assert alice.error("Email/query", filter=deep) == "unsupportedFilter"


def test_create_composes_a_message(alice):
    blob = alice.upload(bytes(range(256)), "application/octet-stream")["blobId"]
    draft = {"mailboxIds": {alice.mailbox("drafts"): True}, "keywords": {"$draft": True, "$Seen": True},
             "from": [{"name": "Alice Ä", "email": "alice@example.test"}], "to": [{"email": "bob@example.test"}],
             "subject": "Grüße – 你好", "header:X-Own:asText": "wörd",
             "bodyValues": {"t": {"value": "Hallo Wörld\n"}, "h": {"value": "<b>Hallo</b>"}},
             "textBody": [{"partId": "t", "type": "text/plain"}], "htmlBody": [{"partId": "h", "type": "text/html"}],
             "attachments": [{"blobId": blob, "type": "application/x-own", "name": "Löwe.bin"}]}
    made = alice.call("Email/set", create={"d": draft})["created"]["d"]
    assert set(made) == {"id", "blobId", "threadId", "size"}
    status, _, raw = alice.download(made["blobId"])
    assert status == 200 and len(raw) == made["size"]
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert parsed["Subject"] == draft["subject"] and parsed["X-Own"] == "wörd" and parsed["Message-ID"] and parsed["Date"]
    attachment, = parsed.iter_attachments()
    assert attachment.get_content() == bytes(range(256)) and attachment.get_filename() == "Löwe.bin"
    assert parsed.get_body(("plain",)).get_content() == "Hallo Wörld\r\n"
    one, = get(alice, made["id"], properties=["keywords", "mailboxIds", "from", "subject"])
    assert one["keywords"] == {"$draft": True, "$seen": True} and one["mailboxIds"] == draft["mailboxIds"]
    assert one["from"] == draft["from"] and one["subject"] == draft["subject"]


@pytest.mark.parametrize("change, wanted", [
    ({"mailboxIds": {}}, "invalidProperties"), ({"mailboxIds": {"Pzz": True}}, "invalidProperties"),
    ({"keywords": {"bad key": True}}, "invalidProperties"), ({"keywords": {"x": False}}, "invalidProperties"),
    ({"size": 5}, "invalidProperties"), ({"header:Content-Type": "text/x"}, "invalidProperties"),
    ({"header:Subject:asText": "twice", "subject": "once"}, "invalidProperties"), ({"from": "alice"}, "invalidProperties"),
    ({"textBody": [{"partId": "none"}]}, "invalidProperties"), ({"textBody": [{"blobId": "B"}]}, "blobNotFound"),
    ({"bodyStructure": {"partId": "t"}, "textBody": [{"partId": "t"}]}, "invalidProperties"),
    ({"receivedAt": "now"}, "invalidProperties"), ({"messageId": ["a b"]}, "invalidProperties"),
], ids=str)
def test_bad_creations(alice, change, wanted):
    record = dict({"mailboxIds": {alice.mailbox(): True}, "bodyValues": {"t": {"value": "x"}}}, **change)
    answer = alice.call("Email/set", create={"k": record})
    assert answer["created"] is None and answer["notCreated"]["k"]["type"] == wanted
    assert answer["oldState"] == answer["newState"]


def test_update_patches_and_destroy(alice):
    inbox, drafts = alice.mailbox(), alice.mailbox("drafts")
    key = alice.import_(message())["id"]

    def update(patch):
        answer = alice.call("Email/set", update={key: patch})
        return "ok" if answer["updated"] else answer["notUpdated"][key]["type"]

    def look():
        one, = get(alice, key, properties=["keywords", "mailboxIds"])
        return one["keywords"], one["mailboxIds"]

    assert update({"keywords/$seen": True, "keywords/Own": True, "mailboxIds/" + drafts: True}) == "ok"
    assert look() == ({"$seen": True, "own": True}, {inbox: True, drafts: True})
    assert update({"mailboxIds/" + inbox: None, "keywords": {"$flagged": True}}) == "ok"
    assert look() == ({"$flagged": True}, {drafts: True})
    assert update({"mailboxIds/" + drafts: None}) == "invalidProperties"
    assert update({"subject": "new"}) == "invalidProperties"
    assert update({"keywords": {}, "keywords/x": True}) == "invalidPatch"
    assert update({"none/x": True}) == "invalidPatch"
    assert look() == ({"$flagged": True}, {drafts: True})
    answer = alice.call("Email/set", destroy=[key, "Mnone"], update={"Mother": {}})
    assert answer["destroyed"] == [key] and answer["notDestroyed"]["Mnone"]["type"] == "notFound"
    assert answer["notUpdated"]["Mother"]["type"] == "notFound"
    assert alice.call("Email/get", ids=[key])["notFound"] == [key]
    assert alice.error("Email/set", ifInState="0-1", destroy=[]) == "stateMismatch"


def test_changes_follow(alice):
    state = alice.call("Email/get", ids=[])["state"]
    query = alice.call("Email/query", filter={"notKeyword": "$seen"})["queryState"]
    first, second = alice.import_(message("one"))["id"], alice.import_(message("two"))["id"]
    changed = alice.call("Email/changes", sinceState=state)
    assert sorted(changed["created"]) == sorted([first, second]) and not changed["hasMoreChanges"]
    alice.call("Email/set", update={first: {"keywords/$seen": True}}, destroy=[second])
    later = alice.call("Email/changes", sinceState=changed["newState"])
    assert (later["created"], later["updated"], later["destroyed"]) == ([], [first], [second])
    assert alice.call("Email/get", ids=[])["state"] == later["newState"]
    moved = alice.call("Email/queryChanges", sinceQueryState=changed["newState"], filter={"notKeyword": "$seen"})
    assert sorted(moved["removed"]) == sorted([first, second]) and moved["added"] == []
    both = alice.call("Email/queryChanges", sinceQueryState=query, filter={"hasKeyword": "$seen"}, calculateTotal=True)
    assert both["added"] == [{"id": first, "index": 0}] and both["total"] == 1
    step = alice.call("Email/changes", sinceState=state, maxChanges=1)
    assert step["hasMoreChanges"] and step["newState"] != later["newState"]
    for bad in ("nonsense", "0-999999", "7-1"):
        assert alice.error("Email/changes", sinceState=bad) == "cannotCalculateChanges"
    assert alice.error("Email/changes", sinceState=state, maxChanges=0) == "invalidArguments"
    threads = alice.call("Thread/changes", sinceState=state)
    assert len(threads["created"]) == 1


def test_deleted_by_imap_is_invisible(jmap, alice):
    key = alice.import_(message())["id"]
    state = alice.call("Email/get", ids=[])["state"]
    account = jmap.sql("SELECT max(account_id) FROM mail.entry")
    jmap.sql("SELECT mail.store_flags_v1(account_id, mailbox_id, '{[1,100)}', 1, 8, '', NULL) FROM mail.mailbox"
             " WHERE account_id = %s AND special_use = 'inbox'" % account)
    assert alice.call("Email/get", ids=[key])["notFound"] == [key]
    assert alice.call("Email/query")["ids"] == []
    assert alice.call("Email/changes", sinceState=state)["destroyed"] == [key]


def test_threads(alice):
    first = alice.import_(message("Plan", Message_ID="<p1@x>"))
    second = alice.import_(message("Re: Plan", Message_ID="<p2@x>", In_Reply_To="<p1@x>", References="<p1@x>"))
    assert first["threadId"] == second["threadId"]
    answer = alice.call("Thread/get", ids=[first["threadId"], "Tnone"])
    assert answer["list"] == [{"id": first["threadId"], "emailIds": [first["id"], second["id"]]}]
    assert answer["notFound"] == ["Tnone"]
    assert len(alice.call("Email/query", collapseThreads=True)["ids"]) == 1


def test_parse_and_nested_parts(alice):
    outer = (b"From: o@x\r\nSubject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
             b"Content-Type: message/rfc822\r\n\r\n" + MULTI + b"\r\n--o--\r\n")
    key = alice.import_(outer)["id"]
    one, = get(alice, key, properties=["attachments"])
    blob = one["attachments"][0]["blobId"]
    answer = alice.call("Email/parse", blobIds=[blob, "Bnone"], properties=["subject", "attachments", "id"])
    inner = answer["parsed"][blob]
    assert inner["subject"] == "Grüße" and inner["id"] is None and answer["notFound"] == ["Bnone"]
    assert alice.download(inner["attachments"][0]["blobId"])[2] == b"Hello"
    binary = alice.upload(b"\x00\x01", "application/octet-stream")["blobId"]
    assert alice.call("Email/parse", blobIds=[binary])["parsed"] is None


def test_what_is_no_message_is_not_imported(alice):
    binary = alice.upload(b"\x00\x01 no header", "application/octet-stream")["blobId"]
    answer = alice.call("Email/import", emails={"k": {"blobId": binary, "mailboxIds": {alice.mailbox(): True}}})
    assert answer["notCreated"]["k"]["type"] == "invalidEmail"


def test_copy_needs_another_account(alice, bob):
    bob.session()
    assert alice.error("Email/copy", fromAccountId=bob.account, create={}) == "fromAccountNotFound"


def test_created_ids_reach_later_calls(alice):
    blob = alice.upload(message())["blobId"]
    answers = alice.calls(
        ["Mailbox/set", {"create": {"m": {"name": "Made"}}}, "0"],
        ["Email/import", {"emails": {"e": {"blobId": blob, "mailboxIds": {"#m": True}}}}, "1"],
        ["Email/set", {"update": {"#e": {"keywords/$seen": True}}}, "2"])
    made = answers[0][1]["created"]["m"]["id"]
    key = answers[1][1]["created"]["e"]["id"]
    assert list(answers[2][1]["updated"]) == [key]
    assert get(alice, key, properties=["mailboxIds"])[0]["mailboxIds"] == {made: True}
    assert json.dumps(answers)


def test_changes_of_several_transactions_come_in_steps(alice):
    since = alice.call("Email/get", ids=[])["state"]
    one = alice.import_(message("one"))["id"]
    two = alice.import_(message("two"))["id"]
    both = [alice.import_(message("%d" % number))["id"] for number in range(3)]
    middle = alice.call("Email/get", ids=[])["state"]
    seen, state = [], since
    while state != middle:
        answer = alice.call("Email/changes", sinceState=state, maxChanges=2)
        assert 1 <= len(answer["created"]) <= 2 and answer["hasMoreChanges"] == (answer["newState"] != middle)
        seen += answer["created"]
        state = answer["newState"]
    assert seen == [one, two] + both or sorted(seen) == sorted([one, two] + both)


BODY = "x " * 300 + "and then the <quick> brown fox & a Stra\u00dfe, quick again\r\n" + "y " * 300


def snippet(client, key, **filters):
    answer = client.call("SearchSnippet/get", emailIds=[key], filter=filters)
    assert answer["notFound"] is None
    one, = answer["list"]
    assert one["emailId"] == key
    return one["subject"], one["preview"]


def test_snippets_mark_what_was_found(alice):
    key = alice.import_(message("Quick <b>news</b> & more", BODY, Content_Type="text/plain; charset=utf-8"))["id"]
    subject, preview = snippet(alice, key, text="quick")
    assert subject == "<mark>Quick</mark> &lt;b&gt;news&lt;/b&gt; &amp; more"
    assert "the &lt;<mark>quick</mark>&gt; brown fox &amp; a" in preview and preview.count("<mark>") == 2
    assert len(preview.encode()) <= 255 and "\n" not in preview
    assert snippet(alice, key, subject="news") == ("Quick &lt;b&gt;<mark>news</mark>&lt;/b&gt; &amp; more", None)
    subject, preview = snippet(alice, key, body="strasse")
    assert subject is None and "<mark>Stra\u00dfe</mark>" in preview
    assert snippet(alice, key, text="absent") == (None, None)
    assert snippet(alice, key, hasAttachment=False) == (None, None)
    assert snippet(alice, key, operator="NOT", conditions=[{"text": "quick"}]) == (None, None)
    assert snippet(alice, key, operator="AND", conditions=[{"subject": "news"}, {"body": "fox"}])[1].count("<mark>fox</mark>") == 1
    long = alice.import_(message("long", "q" * 5000))["id"]
    assert len(snippet(alice, long, text="q" * 400)[1].encode()) <= 255


def test_snippets_of_html_show_no_markup(alice):
    html = "<html><script>fox()</script><p>the <b>fo</b>x <img src='x' alt='fox'></p></html>"
    key = alice.import_(message("h", html, Content_Type="text/html", MIME_Version="1.0"))["id"]
    preview = snippet(alice, key, text="fox")[1]
    assert "<mark>fox</mark>" in preview and "script" not in preview and "<b>" not in preview


def test_snippets_refuse_what_they_must(alice, bob):
    key = alice.import_(message())["id"]
    answer = bob.call("SearchSnippet/get", emailIds=[key, "nonsense"], filter={"text": "hello"})
    assert answer["list"] == [] and sorted(answer["notFound"]) == sorted([key, "nonsense"])
    assert alice.error("SearchSnippet/get", emailIds=[key], filter={"nope": 1}) == "unsupportedFilter"
    assert alice.error("SearchSnippet/get", filter={"text": "x"}) == "invalidArguments"
    assert alice.error("SearchSnippet/get", emailIds=["M%d" % n for n in range(300)], filter={"text": "x"}) == "requestTooLarge"
    assert alice.call("SearchSnippet/get", emailIds=[key], filter=None)["list"][0]["subject"] is None


def test_phrases_with_quotes_in_them(alice):
    key = alice.import_(message("t", "she said \"it's done\" twice \\ over\r\n"))["id"]
    alice.import_(message("u", "said she done twice\r\n"))

    def found(text):
        return alice.call("Email/query", filter={"body": text})["ids"] == [key]

    assert found('"she said"') and found("'she said'") and not found('"said she" over')
    assert found(r'"said \"it\'s done\" twice"') and found(r"'it\'s done'") and found(r'"twice \\ over"')
    assert found("it's \\")
