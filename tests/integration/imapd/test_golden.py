"""What imapd says of real and hostile mail against what Dovecot and Cyrus say alike: tests/golden/README.md.

The messages of tests/data/mime are compared by every run. The whole collection is compared where it is: in DROMOS_MIME_VECTORS
or ../shared/vectors/mime beside the clone. tests/run tells of the skipped test where it is not.
"""
import collections
import os
import pathlib
import sys

import pytest
from dromostest import paths
from dromostest.one_imapd import ALICE, PASSWORD
from imapd_client import Raw

GOLDEN = paths.ROOT / "tests" / "golden"
sys.path.insert(0, str(GOLDEN))
import golden_imap as imap  # noqa: E402
import golden_results  # noqa: E402

VECTORS = pathlib.Path(os.environ.get("DROMOS_MIME_VECTORS") or paths.ROOT.parent / "shared" / "vectors" / "mime")


def compared(server, found):
    """Counts, and the differences that no exception explains."""
    context = server.authority.client_context()

    def connection():
        raw = Raw(server.imapd.address("imaps"), context, ALICE)
        raw.run("CREATE golden")
        raw.ok("SELECT golden")
        return raw

    client = imap.Client(connection)
    results, excused = golden_results.results(), golden_results.exceptions()
    counts, wrong = collections.Counter(), []
    for key, message in sorted(found.items()):
        if key not in results:
            counts["messages without result"] += 1
            continue
        expected = results[key]
        said = imap.facts_of(client, message, list(expected))
        counts["messages"] += 1
        used = set()
        for item, value in expected.items():
            if value.startswith("~"):
                counts["like Dovecot, unlike Cyrus" if str(said.get(item)) == value[1:] else "unlike Dovecot, unlike Cyrus"] += 1
                continue
            counts["items"] += 1
            if str(said.get(item)) == value:
                counts["equal"] += 1
            elif reason := next((each for each in excused.get(key, []) if covers(each, item)), None):
                counts["exceptions"] += 1
                used.add(reason)
            else:
                wrong.append("%s %s: %s, not %s" % (key[:16], item, said.get(item), value))
        wrong += ["%s %s: an exception that excuses nothing" % (key[:16], item) for item in set(excused.get(key, [])) - used]
    print("\n".join([str(dict(counts))] + wrong))
    return counts, wrong


def covers(exception, item):
    return item.startswith(exception[:-1]) if exception.endswith("*") else item == exception


def test_mail_of_the_repository_is_described_as_by_the_peers(server):
    counts, wrong = compared(server, imap.messages(str(paths.ROOT / "tests" / "data" / "mime")))
    assert not wrong, "\n".join(wrong[:20])
    assert counts["messages"] >= 170 and counts["items"] > 5000
    assert counts["messages without result"] <= 1  # the empty one, which Dovecot refuses


@pytest.mark.skipif("DROMOS_MIME_VECTORS" not in os.environ and not VECTORS.is_dir(),
                    reason="no messages at %s (DROMOS_MIME_VECTORS): imapd was compared with its peers on the repository's only" % VECTORS)
def test_the_whole_collection_is_described_as_by_the_peers(server):
    counts, wrong = compared(server, imap.messages(str(VECTORS)))
    assert not wrong, "%d differences\n" % len(wrong) + "\n".join(wrong[:20])
    assert counts["messages"] >= 1300 and counts["messages without result"] <= 1
