#include "spamd/service/prune.h"

#include "spamd/store/model_store.h"

namespace dromos::spamd {

Task<Result<void>> prune(ModelStore& store, jobs::JobContext& context) {
  while (co_await context.slice()) {
    CO_TRY(const Pruned pruned, co_await store.prune(context.limit()));
    context.count("events", pruned.events);
    context.count("tokens", pruned.tokens);
    if (pruned.events == 0) break;
  }
  co_return Result<void>{};
}

}  // namespace dromos::spamd
