// Small documents for tests, made here: archives by libzip, PDF by hand.
#pragma once

#include <zip.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dromos::extract {

using Files = std::vector<std::pair<std::string, std::string>>;

inline std::string zipped(const Files& files) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* to = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_t* zip = zip_open_from_source(to, ZIP_TRUNCATE, &error);
  if (zip == nullptr) throw std::runtime_error("no archive");
  zip_source_keep(to);
  for (const auto& [name, bytes] : files)
    if (zip_file_add(zip, name.c_str(), zip_source_buffer(zip, bytes.data(), bytes.size(), 0),
                     ZIP_FL_ENC_UTF_8) < 0)
      throw std::runtime_error("not added");
  if (zip_close(zip) != 0 || zip_source_open(to) != 0) throw std::runtime_error("not closed");
  zip_source_seek(to, 0, SEEK_END);
  std::string out(static_cast<size_t>(zip_source_tell(to)), '\0');
  zip_source_seek(to, 0, SEEK_SET);
  if (zip_source_read(to, out.data(), out.size()) != static_cast<zip_int64_t>(out.size()))
    throw std::runtime_error("not read");
  zip_source_close(to);
  zip_source_free(to);
  return out;
}

inline std::string word_document(std::string_view body) {
  return zipped(
      {{"[Content_Types].xml", "<Types/>"},
       {"word/document.xml", "<?xml version='1.0' encoding='UTF-8'?><w:document xmlns:w='urn:w'><w:body>" +
                                 std::string(body) + "</w:body></w:document>"}});
}

inline std::string open_document(std::string_view text, std::string_view manifest = "<manifest/>") {
  return zipped({{"mimetype", "application/vnd.oasis.opendocument.text"},
                 {"META-INF/manifest.xml", std::string(manifest)},
                 {"content.xml", "<office:document-content><office:body><office:text>" + std::string(text) +
                                     "</office:text></office:body></office:document-content>"}});
}

/// Pages of one line each. No cross-reference table: readers make their own.
inline std::string pdf_of(const std::vector<std::string>& pages, std::string_view trailer = "") {
  std::string out = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n";
  std::string kids;
  for (size_t i = 0; i < pages.size(); ++i) kids += std::to_string(4 + 2 * i) + " 0 R ";
  out += "2 0 obj<</Type/Pages/Kids[" + kids + "]/Count " + std::to_string(pages.size()) + ">>endobj\n";
  out += "3 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>endobj\n";
  for (size_t i = 0; i < pages.size(); ++i) {
    const std::string stream = "BT /F 12 Tf 20 100 Td (" + pages[i] + ") Tj ET";
    out += std::to_string(4 + 2 * i) + " 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 200]/Contents " +
           std::to_string(5 + 2 * i) + " 0 R/Resources<</Font<</F 3 0 R>>>>>>endobj\n";
    out += std::to_string(5 + 2 * i) + " 0 obj<</Length " + std::to_string(stream.size()) + ">>stream\n" +
           stream + "\nendstream endobj\n";
  }
  return out + "trailer<</Root 1 0 R/Size " + std::to_string(4 + 2 * pages.size()) + std::string(trailer) +
         ">>\n%%EOF\n";
}

}  // namespace dromos::extract
