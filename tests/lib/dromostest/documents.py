"""Small PDF and Office documents, made here."""
import io
import zipfile


def zipped(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def docx(*paragraphs):
    body = "".join("<w:p><w:r><w:t>%s</w:t></w:r></w:p>" % text for text in paragraphs)
    return zipped([("[Content_Types].xml", "<Types/>"), ("word/document.xml", "<w:document xmlns:w='w'><w:body>%s</w:body></w:document>" % body)])


def xlsx(*cells):
    strings = "".join("<si><t>%s</t></si>" % text for text in cells)
    return zipped([("[Content_Types].xml", "<Types/>"), ("xl/sharedStrings.xml", "<sst>%s</sst>" % strings)])


def pptx(*slides):
    files = [("ppt/slides/slide%d.xml" % number, "<p:sld xmlns:p='p' xmlns:a='a'><a:p><a:r><a:t>%s</a:t></a:r></a:p></p:sld>" % text)
             for number, text in enumerate(slides, 1)]
    return zipped([("[Content_Types].xml", "<Types/>")] + files)


def odf(*paragraphs, kind="text"):
    body = "".join("<text:p>%s</text:p>" % text for text in paragraphs)
    return zipped([("mimetype", "application/vnd.oasis.opendocument." + kind),
                   ("content.xml", "<o:document xmlns:o='o' xmlns:text='t'><o:body>%s</o:body></o:document>" % body)])


def pdf(*pages, trailer=""):
    """A page of one line each; no cross-reference table: readers make their own."""
    out = ["%PDF-1.4", "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj",
           "2 0 obj<</Type/Pages/Kids[%s]/Count %d>>endobj" % (" ".join("%d 0 R" % (4 + 2 * n) for n in range(len(pages))), len(pages)),
           "3 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>endobj"]
    for n, text in enumerate(pages):
        stream = "BT /F 12 Tf 20 100 Td (%s) Tj ET" % text
        out.append("%d 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 200]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>endobj"
                   % (4 + 2 * n, 5 + 2 * n))
        out.append("%d 0 obj<</Length %d>>stream\n%s\nendstream endobj" % (5 + 2 * n, len(stream), stream))
    return ("\n".join(out) + "\ntrailer<</Root 1 0 R%s>>\n%%%%EOF\n" % trailer).encode("cp1252")


def pdf_endless():
    """A few hundred bytes that take a reader hours: forms that draw each other, ten times each, thirty deep."""
    out = ["%PDF-1.4", "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj", "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj",
           "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 99 0 R/Resources<</XObject<</X 10 0 R>>>>>>endobj",
           "99 0 obj<</Length 5>>stream\n/X Do\nendstream endobj"]
    for n in range(10, 40):
        stream = "/X Do " * 10
        out.append("%d 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>/Length %d>>stream\n%s\nendstream endobj"
                   % (n, n + 1, len(stream), stream))
    return ("\n".join(out) + "\ntrailer<</Root 1 0 R>>\n").encode()
