// Sessions: forward passes and what controls them. What reports on them is in reports.cc.
#include "addon/convert.h"
#include "addon/errors.h"
#include "addon/functions.h"
#include "addon/instance.h"
#include "addon/promise_worker.h"

namespace hyperion::addon {
namespace {

// A forward pass that JavaScript waits for, and the array it writes to. Settled on the JavaScript
// thread; the last owner may be an engine thread, which must find no reference to give back.
class PendingForward {
 public:
  PendingForward(Napi::Env env, const Napi::Object& logits)
      : deferred_(Napi::Promise::Deferred::New(env)), logits_(Napi::Persistent(logits)) {}
  ~PendingForward() {
    if (!logits_.IsEmpty()) logits_.SuppressDestruct();  // never settled: the environment has ended
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

  void settle(Napi::Env env, const Status& status) {
    logits_.Reset();
    if (status.ok()) {
      deferred_.Resolve(env.Undefined());
    } else {
      deferred_.Reject(to_error(env, status).Value());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference logits_;
};

Napi::Value create_session(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Instance& instance = Instance::of(env);
  std::shared_ptr<Model> model = instance.model(info[0]);
  auto session =
      take(env, Session::create(std::move(model), to_graph(info[1]), to_session_options(info[2])));
  return Napi::Number::New(env, instance.sessions.add(std::move(session)));
}

void reserve(const Napi::CallbackInfo& info) {
  const auto session = Instance::of(info.Env()).session(info[0]);
  check(info.Env(), session->reserve(to_whole(info[1], "positions")));
}

Napi::Value forward(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Completions& completions = Instance::of(env).completions;
  const auto session = Instance::of(env).session(info[0]);
  const Napi::Int32Array ids = to_int32_array(info[1], "ids");
  Napi::Float32Array logits = to_float32_array(info[2], "logits");

  const auto pending = std::make_shared<PendingForward>(env, logits);
  completions.expect();
  const auto report = [&completions, pending](const Status& status) {
    completions.post([pending, status](Napi::Env on) { pending->settle(on, status); });
  };
  const Status refused = session->forward({ids.Data(), ids.Data() + ids.ElementLength()},
                                          {logits.Data(), logits.ElementLength()}, report);
  if (!refused.ok()) report(refused);
  return pending->promise();
}

void reset(const Napi::CallbackInfo& info) {
  check(info.Env(), Instance::of(info.Env()).session(info[0])->reset());
}

void cancel(const Napi::CallbackInfo& info) {
  Instance::of(info.Env()).session(info[0])->cancel();
}

Napi::Value close_session(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Instance& instance = Instance::of(env);
  const auto session = instance.session(info[0]);
  instance.sessions.remove(to_number(info[0], "session"));
  instance.note_closing(session);
  // Here already, so that a pass which ends before the worker begins ends CLOSED too.
  session->begin_close();
  return PromiseWorker::start(env, [session] {
    session->close();
    return Status();
  });
}

}  // namespace

void export_sessions(Napi::Env env, Napi::Object exports) {
  exports.Set("createSession", Napi::Function::New(env, create_session));
  exports.Set("reserve", Napi::Function::New(env, reserve));
  exports.Set("forward", Napi::Function::New(env, forward));
  exports.Set("reset", Napi::Function::New(env, reset));
  exports.Set("cancel", Napi::Function::New(env, cancel));
  exports.Set("closeSession", Napi::Function::New(env, close_session));
}

}  // namespace hyperion::addon
