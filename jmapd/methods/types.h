// The types and methods of urn:ietf:params:jmap:mail that this server has.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jmapd/methods/registry.h"

namespace dromos::jmapd {

std::shared_ptr<ObjectType> make_mailbox_type();
std::shared_ptr<ObjectType> make_thread_type();
std::shared_ptr<ObjectType> make_email_type();

std::vector<std::shared_ptr<ObjectType>> mail_types();
std::vector<std::pair<std::string, MethodFunction>> mail_methods();
std::vector<std::pair<std::string, MethodFunction>> snippet_methods();

}  // namespace dromos::jmapd
