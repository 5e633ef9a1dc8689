"""Mailbox/get, query, changes, set (RFC 8621 §2)."""
from jmap_client import message

COUNTS = ["totalEmails", "unreadEmails", "totalThreads", "unreadThreads"]


def make(client, name, **more):
    answer = client.call("Mailbox/set", create={"k": dict({"name": name}, **more)})
    return answer["created"]["k"]["id"] if answer["created"] else answer["notCreated"]["k"]["type"]


def test_roles_and_counts(alice):
    boxes = alice.call("Mailbox/get", ids=None)["list"]
    assert {"inbox", "drafts", "sent", "trash", "junk"} <= {box["role"] for box in boxes}
    alice.import_(message("a"))
    alice.import_(message("b"), keywords={"$seen": True})
    alice.import_(message("c"), keywords={"$draft": True})
    box, = alice.call("Mailbox/get", ids=[alice.mailbox()])["list"]
    assert [box[name] for name in COUNTS] == [3, 1, 3, 1]
    assert box["myRights"]["mayReadItems"] and not box["myRights"]["mayDelete"]
    few, = alice.call("Mailbox/get", ids=[alice.mailbox()], properties=["name"])["list"]
    assert set(few) == {"id", "name"}
    assert alice.error("Mailbox/get", ids=[], properties=["none"]) == "invalidArguments"


def test_set_and_changes(alice):
    state = alice.call("Mailbox/get", ids=[])["state"]
    answer = alice.call("Mailbox/set", create={"b": {"name": "Child", "parentId": "#a"}, "a": {"name": "Parent"}})
    parent, child = answer["created"]["a"]["id"], answer["created"]["b"]["id"]
    changed = alice.call("Mailbox/changes", sinceState=state)
    assert sorted(changed["created"]) == sorted([parent, child])
    assert make(alice, "Parent") == "invalidProperties"
    assert make(alice, "") == "invalidProperties" and make(alice, "a/b") == "invalidProperties"
    assert make(alice, "x", parentId="Pzzz") == "invalidProperties" and make(alice, "x", none=1) == "invalidProperties"
    assert alice.call("Mailbox/set", update={child: {"name": "Moved", "parentId": None, "sortOrder": 7}})["updated"] == {child: None}
    box, = alice.call("Mailbox/get", ids=[child])["list"]
    assert (box["name"], box["parentId"], box["sortOrder"]) == ("Moved", None, 7)
    bad = alice.call("Mailbox/set", update={child: {"totalEmails": 5}, parent: {"parentId": parent}})["notUpdated"]
    assert bad[child]["type"] == bad[parent]["type"] == "invalidProperties"
    again = alice.call("Mailbox/set", update={child: {"parentId": parent}})
    assert again["updated"] == {child: None}, again["notUpdated"]
    refused = alice.call("Mailbox/set", destroy=[parent])["notDestroyed"]
    assert refused[parent]["type"] == "mailboxHasChild"
    assert sorted(alice.call("Mailbox/set", destroy=[parent, child])["destroyed"]) == sorted([parent, child])
    assert alice.call("Mailbox/set", destroy=[alice.mailbox()])["notDestroyed"][alice.mailbox()]["type"] == "forbidden"
    assert sorted(alice.call("Mailbox/changes", sinceState=changed["newState"])["destroyed"]) == sorted([parent, child])


def test_destroying_with_mail_in_it(alice):
    box = make(alice, "Full")
    key = alice.import_(message(), mailbox=box)["id"]
    assert alice.call("Mailbox/set", destroy=[box])["notDestroyed"][box]["type"] == "mailboxHasEmail"
    assert alice.call("Mailbox/set", destroy=[box], onDestroyRemoveEmails=True)["destroyed"] == [box]
    assert alice.call("Email/get", ids=[key])["notFound"] == [key]


def test_null_is_the_default(alice):
    box = make(alice, "Defaults", sortOrder=5, isSubscribed=False)
    made, = alice.call("Mailbox/get", ids=[box])["list"]
    assert (made["sortOrder"], made["isSubscribed"]) == (5, False)
    assert alice.call("Mailbox/set", update={box: {"sortOrder": None, "isSubscribed": None}})["updated"] == {box: None}
    now, = alice.call("Mailbox/get", ids=[box])["list"]
    assert (now["sortOrder"], now["isSubscribed"]) == (0, True)
    plain, = alice.call("Mailbox/get", ids=[make(alice, "Plain")])["list"]
    assert plain["isSubscribed"] is True, "what a user makes is subscribed"


def test_changes_come_in_steps_no_larger_than_asked(alice):
    start = alice.call("Mailbox/get", ids=[])["state"]
    old = make(alice, "Old")
    since = alice.call("Mailbox/get", ids=[])["state"]
    fresh = [make(alice, "Fresh %d" % number) for number in range(4)]
    alice.call("Mailbox/set", update={old: {"name": "Renamed"}})
    alice.import_(message(), mailbox=fresh[0])
    alice.call("Mailbox/set", destroy=[old])
    known, steps, state = {old}, 0, since
    while True:
        answer = alice.call("Mailbox/changes", sinceState=state, maxChanges=2)
        assert len(answer["created"] + answer["updated"] + answer["destroyed"]) <= 2
        assert set(answer["updated"]) <= known and not set(answer["created"]) & known
        known = (known | set(answer["created"])) - set(answer["destroyed"])
        steps, state = steps + 1, answer["newState"]
        if not answer["hasMoreChanges"]:
            break
        assert answer["newState"] not in (since, answer["oldState"])
    assert steps > 1 and known == set(fresh) and state == alice.call("Mailbox/get", ids=[])["state"]
    # One transaction is not divided.
    assert alice.call("Mailbox/set", create={str(n): {"name": "One %d" % n} for n in range(3)})["created"]
    assert alice.error("Mailbox/changes", sinceState=start, maxChanges=0) == "invalidArguments"


def test_a_rename_is_told_though_only_counts_changed_after_it(alice):
    box = make(alice, "Before")
    since = alice.call("Mailbox/get", ids=[])["state"]
    alice.call("Mailbox/set", update={box: {"name": "After"}})
    make(alice, "Another")
    alice.import_(message(), mailbox=box)
    first = alice.call("Mailbox/changes", sinceState=since, maxChanges=1)
    assert first["updated"] == [box] and first["updatedProperties"] is None and first["hasMoreChanges"]


def test_only_counts_changed(alice):
    state = alice.call("Mailbox/get", ids=[])["state"]
    alice.import_(message())
    changed = alice.call("Mailbox/changes", sinceState=state)
    assert changed["updated"] == [alice.mailbox()] and sorted(changed["updatedProperties"]) == sorted(COUNTS)
    assert alice.call("Mailbox/get", ids=[])["state"] == changed["newState"]


def test_query(alice):
    first = make(alice, "Zeta", sortOrder=1)
    second = make(alice, "alpha", parentId=first, sortOrder=1)
    roles = alice.call("Mailbox/query", filter={"hasAnyRole": False}, sort=[{"property": "name"}])["ids"]
    assert roles == [second, first]
    assert alice.call("Mailbox/query", filter={"role": "inbox"})["ids"] == [alice.mailbox()]
    assert alice.call("Mailbox/query", filter={"parentId": first})["ids"] == [second]
    tree = alice.call("Mailbox/query", filter={"hasAnyRole": False}, sort=[{"property": "name"}], sortAsTree=True)["ids"]
    assert tree == [first, second]
    assert alice.call("Mailbox/query", filter={"operator": "NOT", "conditions": [{"hasAnyRole": True}, {"name": "ZET"}]})["ids"] == [second]
    assert alice.error("Mailbox/query", filter={"none": 1}) == "unsupportedFilter"
