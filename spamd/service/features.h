// Features: from a message to tokens and named rules. Pure and deterministic: the same bytes and envelope
// give the same features in the same order, on every node.
//
// What tells the way of a message to us and not its nature is left out: Received, Return-Path, Delivered-To
// and other fields that receiving servers write, and our own recipients' addresses.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "spamd/service/mail_view.h"
#include "spamd/service/rules.h"
#include "spamd/service/tokens.h"

namespace dromos::spamd {

/// Raise when the same message would give other tokens; a model learned under another version is not loaded.
inline constexpr int kFeatureVersion = 1;

struct Features {
  TokenSet tokens;
  std::vector<RuleHit> rules;
};

Features extract(const MailView& mail, const Envelope& envelope, bool keep_text = false);
Features extract(std::string_view raw, const Envelope& envelope, bool keep_text = false);

}  // namespace dromos::spamd
