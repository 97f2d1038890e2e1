// Traces replayed, off the JavaScript thread.
#include "addon/convert_memory.h"
#include "addon/errors.h"
#include "addon/functions.h"
#include "memory/replay.h"

namespace hyperion::addon {
namespace {

double internal_fragmentation(const Usage& usage) {
  if (usage.active == 0) return 0;
  return 1 - static_cast<double>(usage.requested) / static_cast<double>(usage.active);
}

// Deletes itself when the promise is settled.
class ReplayWorker final : public Napi::AsyncWorker {
 public:
  ReplayWorker(Napi::Env env, std::vector<TraceEvent> events, AllocatorConfig config)
      : Napi::AsyncWorker(env),
        events_(std::move(events)),
        config_(std::move(config)),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    Result<ReplayResult> result = hyperion::replay(events_, config_);
    status_ = result.status();
    if (result.ok()) result_ = std::move(result.value());
  }

  void OnOK() override {
    if (!status_.ok()) {
      deferred_.Reject(to_error(Env(), status_).Value());
      return;
    }
    Napi::Object object = Napi::Object::New(Env());
    set_number(object, "reservedPeak", result_.reserved_peak);
    set_number(object, "requestedPeak", result_.requested_peak);
    object.Set("external", external_fragmentation(result_.at_peak));
    object.Set("internal", internal_fragmentation(result_.at_peak));
    object.Set("nanosecondsPerOperation", result_.nanoseconds_per_operation);
    object.Set("failedAt", result_.failed_at ? static_cast<double>(*result_.failed_at) : -1.0);
    object.Set("failure", result_.failure.message());
    deferred_.Resolve(object);
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  const std::vector<TraceEvent> events_;
  const AllocatorConfig config_;
  Napi::Promise::Deferred deferred_;
  Status status_;
  ReplayResult result_;
};

Napi::Value replay_trace(const Napi::CallbackInfo& info) {
  auto* worker =
      new ReplayWorker(info.Env(), to_trace_events(info[0]), to_allocator_config(info[1]));
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace

void export_replay(Napi::Env env, Napi::Object exports) {
  exports.Set("replay", Napi::Function::New(env, replay_trace));
}

}  // namespace hyperion::addon
