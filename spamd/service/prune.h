// The job spamd.prune: lessons past their time give up what nobody met again, so that the model stays as
// small as what it needs (store/model_store.h).
#pragma once

#include "common/jobs/leased_runner.h"

namespace dromos::spamd {

class ModelStore;

Task<Result<void>> prune(ModelStore& store, jobs::JobContext& context);

}  // namespace dromos::spamd
