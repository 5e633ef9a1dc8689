// Which keys each section has and which member each fills; internal to common/config.
#pragma once

#include "common/config/config.h"
#include "common/config/reader.h"

namespace dromos::config {

void bind(Reader& r, Log& out);
void bind(Reader& r, Database& out, bool read_secrets);
void bind(Reader& r, Rpc& out);
void bind(Reader& r, Tls& out);
void bind(Reader& r, Dns& out);
void bind(Reader& r, Store& out);
void bind(Reader& r, Mta& out, bool read_secrets);
void bind(Reader& r, Imapd& out);
void bind(Reader& r, Jmapd& out);
void bind(Reader& r, Spamd& out);
void bind(Reader& r, Admind& out);

}  // namespace dromos::config
