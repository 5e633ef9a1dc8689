"""What SEARCH finds text in: headers, text, HTML, attachment names, text attachments; and FUZZY by language (RFC 6203)."""
import base64
import time

import pytest
from dromostest.accounts import quote

BOB = "bob@example.test"


def part(headers, body):
    return ("--b\r\n" + headers + "\r\n\r\n").encode() + body + b"\r\n"


def b64(data):
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def mixed(*parts):
    return b"Subject: mixed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(parts) + b"--b--\r\n"


HTML = b"<html><head><style>p{color:hidden-style}</style></head><body><p>Vis&iacute;ble <b>mar</b>kup</p><img alt='altword'></body></html>"
INNER = b"From: inner@example.org\r\nSubject: innersubject\r\n\r\ninnerbody\r\n"

MESSAGES = [
    mixed(part("Content-Type: text/plain", b"cover letter"),
          part('Content-Type: application/pdf; name="Quarterly-Figures.pdf"\r\nContent-Transfer-Encoding: base64', b64(b"\x00\x01"))),
    mixed(part("Content-Type: image/png\r\nContent-Disposition: attachment; filename*=utf-8''%C3%9Cbersicht%20M%C3%A4rz.png\r\n"
               "Content-Transfer-Encoding: base64", b64(b"\x00\x01"))),
    mixed(part('Content-Type: application/zip\r\nContent-Disposition: attachment; filename="=?utf-8?q?Jahresabschlu=C3=9F?=.zip"\r\n'
               "Content-Transfer-Encoding: base64", b64(b"\x00\x01"))),
    mixed(part("Content-Type: application/zip\r\nContent-Disposition: attachment; filename*0=\"continued\"; filename*1=\"name.zip\"\r\n"
               "Content-Transfer-Encoding: base64", b64(b"\x00\x01"))),
    mixed(part("Content-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\nContent-Transfer-Encoding: base64",
               b64(b"id;columnvalue\r\n1;cellvalue\r\n"))),
    mixed(part("Content-Type: text/plain; charset=iso-8859-1\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: quoted-printable",
               b"=DCberraschung im Anh=\r\nang")),
    mixed(part("Content-Type: text/html; charset=utf-8\r\nContent-Disposition: attachment; filename=page.html", HTML)),
    mixed(part("Content-Type: text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\nSUMMARY:standupmeeting\r\nEND:VCALENDAR")),
    mixed(part("Content-Type: message/rfc822", INNER)),
    b"Subject: =?utf-8?b?w4RyZ2Vy?=\r\nX-Custom: customvalue\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + HTML + b"\r\n",
]

# (key, text, messages)
FOUND = [
    ("BODY", "quarterly-fig", [1]), ("TEXT", "FIGURES.PDF", [1]), ("BODY", "übersicht märz", [2]), ("BODY", "ÜBERSICHT", [2]),
    ("BODY", "jahresabschluß", [3]), ("BODY", "abschluss.zip", [3]), ("BODY", "continuedname.zip", [4]), ("BODY", "columnvalue\r", []),
    ("BODY", "cellvalue", [5]), ("TEXT", "d;column", [5]), ("BODY", "überraschung im anhang", [6]), ("BODY", "visíble markup", [7, 10]),
    ("BODY", "visible markup", []), ("BODY", "hidden-style", []), ("TEXT", "altword", [7, 10]), ("BODY", "standupmeet", [8]),
    ("BODY", "innersubject", [9]), ("BODY", "innerbody", [9]), ("TEXT", "inner@example", [9]), ("TEXT", "ärger", [10]), ("BODY", "ärger", []),
    ("TEXT", "customvalue", [10]), ("BODY", "customvalue", []), ("HEADER X-Custom", "mval", [10]), ("BODY", "cover letter", [1]),
]


def search(client, keys, text):
    octets = text.encode()
    told = client.ok(b"SEARCH CHARSET UTF-8 " + keys.encode() + b" {%d+}\r\n" % len(octets) + octets)
    return [int(number) for number in told[0].split()[2:]]


@pytest.mark.parametrize("memory", [pytest.param(True), pytest.param(False, marks=pytest.mark.config({"imapd": {"limits": {"search_texts": "0"}}}))])
def test_every_text_of_a_message_is_found(connect, memory):
    client = connect()
    for message in MESSAGES:
        assert client.append("INBOX", message).startswith("OK")
    client.ok("SELECT INBOX")
    for key, text, expected in FOUND:
        assert search(client, key, text) == expected, (key, text)


# (language, a text, a word of it in another form)
LANGUAGES = [
    ("english", "We have been visiting the old houses near the river, and our friends were very happy about the journey.", "house"),
    ("german", "Bitte überweisen Sie die offenen Rechnungen bis zum Ende des Monats, sonst müssen wir leider Mahngebühren erheben.", "rechnung"),
    ("french", "Nous vous prions de bien vouloir régler les factures suivantes avant la fin du mois prochain, merci beaucoup.", "facture"),
    ("spanish", "Las próximas reuniones del equipo se celebrarán en la oficina principal durante la primera semana de mayo.", "reunión"),
    ("italian", "Vi preghiamo di pagare le fatture allegate entro la fine del mese, altrimenti dovremo sospendere il servizio.", "fattura"),
    ("dutch", "De volgende vergaderingen worden gehouden in het kantoor aan de overkant van de straat, tenzij anders vermeld.", "vergadering"),
    ("swedish", "Vi ber er att betala fakturorna före slutet av månaden, annars måste vi tyvärr ta ut en förseningsavgift.", "faktura"),
    ("finnish", "Pyydämme teitä ystävällisesti maksamaan kaikkien laskujen loppusumman ennen kuukauden loppua, kiitos paljon.", "lasku"),
    ("russian", "Пожалуйста, ознакомьтесь с приложенными документами и сообщите нам о вашем решении до конца недели.", "документ"),
    ("hungarian", "A régi házakban sokan laknak a városban, de az újabb épületek sokkal kényelmesebbek és olcsóbbak is.", "ház"),
    ("romanian", "Vă rugăm să verificați documentele atașate și să ne comunicați răspunsul dumneavoastră până la sfârșitul lunii.", "document"),
    ("greek", "Σας παρακαλούμε να εξοφλήσετε τους λογαριασμούς πριν από το τέλος του μήνα και να μας ενημερώσετε σχετικά.", "λογαριασμός"),
    ("catalan", "Us preguem que pagueu les factures pendents abans de final de mes, perquè si no haurem de suspendre el servei.", "factura"),
]
# (a text, what is looked for in it)
WITHOUT_BLANKS = [
    ("请查收附件中的季度预算报告，并在星期五之前回复。", "预算报告"), ("来週の会議の議事録を添付しますのでご確認ください。", "議事録"),
    ("첨부된 보고서를 확인하시고 내일까지 회신해 주시기 바랍니다.", "보고서"), ("กรุณาตรวจสอบเอกสารแนบและตอบกลับภายในวันศุกร์", "เอกสาร"),
]


def wait_for_index(suite, count):
    for _ in range(300):
        if int(suite.sql("SELECT count(*) FROM mail.word_index WHERE account_id = directory.need_account(%s)" % quote(BOB)).strip()) >= count:
            return
        time.sleep(0.1)
    raise AssertionError("the index lags")


@pytest.mark.parametrize("indexed", [True, False])
def test_fuzzy_knows_languages(suite, connect, indexed):
    client = connect()
    texts = [text for _, text, _ in LANGUAGES] + [text for text, _ in WITHOUT_BLANKS]
    for text in texts:
        head = "Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        assert client.append("INBOX", (head + text + "\r\n").encode()).startswith("OK")
    wait_for_index(suite, len(texts))
    told = suite.sql("SELECT unnest(languages) FROM mail.word_state WHERE account_id = directory.need_account(%s)" % quote(BOB)).split()
    assert {language for language, _, _ in LANGUAGES} <= set(told)
    if not indexed:
        suite.sql("DELETE FROM mail.word_index WHERE account_id = directory.need_account(%s)" % quote(BOB))
        suite.sql("UPDATE mail.word_state SET modseq = 0 WHERE account_id = directory.need_account(%s)" % quote(BOB))
    client.ok("SELECT INBOX")
    for number, (language, _, word) in enumerate(LANGUAGES, 1):
        assert number in search(client, "FUZZY BODY", word), language
    for number, (_, word) in enumerate(WITHOUT_BLANKS, len(LANGUAGES) + 1):
        assert search(client, "FUZZY BODY", word) == [number], word
        assert search(client, "BODY", word) == [number], word


def fuzzy_answers(client, words):
    return {(key, word): search(client, "FUZZY " + key, word) for word in words for key in ("TEXT", "BODY", "SUBJECT", "FROM")}


def forget_index(suite):
    suite.sql("DELETE FROM mail.word_index WHERE account_id = directory.need_account(%s)" % quote(BOB))
    suite.sql("UPDATE mail.word_state SET modseq = 0 WHERE account_id = directory.need_account(%s)" % quote(BOB))


TURKISH = "Kitapları masaların üzerine bıraktık, çocukların odaları çok dağınıktı ve annelerimiz bize kızdılar."
INDONESIAN = "Mereka menulis surat kepada pemerintah dan membacakan tulisan itu di hadapan masyarakat yang berkumpul di lapangan."
OTHERS = [TURKISH, INDONESIAN, "The files are in the ﬁle cabinet; naïve café owners™, 5m² don´t re-visiting the houses… housing the happiest \u00a0ponies, dying, dies, ties.",
          "Ａｔｔａｃｈｅｄ ｆｉｌｅｓ ｶﾞｷﾞ １２３ files", "x" * 70 + " short " + "ab1c2 1e5 2026-11-22 a.b.c@example.org http://www.example.org/houses?x=1"]
# Forms of words in the texts above, and of none.
WORDS = [word for _, _, word in LANGUAGES] + [word for _, word in WITHOUT_BLANKS] + [
    "kitap", "kitaplar", "masa", "odalar", "çocuk", "tulis", "menulis", "tulisan", "kumpul", "baca", "housing", "houses", "happy", "die", "dies", "tie", "pony",
    "cafe", "café", "naive", "naïve", "owner", "owners", "5m", "5m2", "tm", "don", "t", "file", "ab1c2", "1e5", "2026", "example", "example.org", "the houses", "happily visited houses", "the", "und", "bitte die rechnungen",
    "報", "报", "ご確認", "ü", "über", "überweisung", "fakturor", "monat", "factures", "mois", "házak", "λογαριασμοί", "документы", "неделя", "anna", "bert", "zzzz", "rech"]


@pytest.mark.parametrize("memory", [pytest.param(True), pytest.param(False, marks=pytest.mark.config({"imapd": {"limits": {"search_texts": "0"}}}))])
def test_fuzzy_answers_are_those_of_the_index(suite, connect, memory):
    client = connect()
    texts = [text for _, text, _ in LANGUAGES] + [text for text, _ in WITHOUT_BLANKS] + OTHERS
    for number, text in enumerate(texts):
        subject = base64.b64encode(" ".join(texts[number - 1].split()[:4]).encode()).decode()
        head = "From: %s@example.org\r\nSubject: =?utf-8?b?%s?=\r\nX-Other: houses\r\nMIME-Version: 1.0\r\n" % ("anna" if number % 2 else "Houses <bert", subject)
        head = head.replace("bert@example.org", "bert@example.org>")
        head += "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        assert client.append("INBOX", (head + text + "\r\n").encode()).startswith("OK")
    wait_for_index(suite, len(texts))
    client.ok("SELECT INBOX")
    indexed = fuzzy_answers(client, WORDS)
    assert sum(1 for found in indexed.values() if found) > 60
    for _ in range(5):  # until the indexer, which makes it anew, did not come between
        forget_index(suite)
        differing = {asked: (found, indexed[asked]) for asked, found in fuzzy_answers(client, WORDS).items() if found != indexed[asked]}
        rows = suite.sql("SELECT count(*) FROM mail.word_index WHERE account_id = directory.need_account(%s)" % quote(BOB)).strip()
        if rows == "0":
            break
    assert rows == "0"
    assert not differing
