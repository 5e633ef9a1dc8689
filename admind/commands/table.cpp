// The whole table. A new resource is a file beside this one and a line here.
#include "admind/commands/common.h"

namespace dromos::admind {

const std::vector<Resource>& resources() {
  static const std::vector<Resource> all = {
      domains(),  accounts(), addresses(), secrets(), sharing(),  administrators(), queue(), traces(),
      sessions(), health(),   jobs(),      reindex(), settings(), audit(),          self(),
  };
  return all;
}

}  // namespace dromos::admind
