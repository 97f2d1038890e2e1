// Sessions: forward passes and what controls them. What reports on them is in reports.cc.
#include "addon/convert.h"
#include "addon/convert_memory.h"
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
  PendingForward(Napi::Env env, const Napi::Object& results)
      : deferred_(Napi::Promise::Deferred::New(env)), results_(Napi::Persistent(results)) {}
  ~PendingForward() {
    if (!results_.IsEmpty())
      results_.SuppressDestruct();  // never settled: the environment has ended
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

  void settle(Napi::Env env, const Status& status) {
    results_.Reset();
    if (status.ok()) {
      deferred_.Resolve(env.Undefined());
    } else {
      deferred_.Reject(to_error(env, status).Value());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference results_;
};

Napi::Value create_session(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Instance& instance = Instance::of(env);
  std::shared_ptr<Model> model = instance.model(info[0]);
  auto session =
      take(env, Session::create(std::move(model), to_graph(info[1]), to_session_options(info[2])));
  return Napi::Number::New(env, instance.sessions.add(std::move(session)));
}

std::vector<uint64_t> to_lengths(const Napi::Value& value) {
  const Napi::Array array = to_array(value, "lengths");
  std::vector<uint64_t> lengths;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    lengths.push_back(to_whole(array.Get(i), "a length"));
  }
  return lengths;
}

void reserve(const Napi::CallbackInfo& info) {
  const auto session = Instance::of(info.Env()).session(info[0]);
  check(info.Env(), session->reserve(to_lengths(info[1])));
}

void keep_room(const Napi::CallbackInfo& info) {
  const auto session = Instance::of(info.Env()).session(info[0]);
  check(info.Env(), session->keep_room(to_lengths(info[1])));
}

Napi::Value smallest_budget(const Napi::CallbackInfo& info) {
  const auto session = Instance::of(info.Env()).session(info[0]);
  const uint64_t bytes = session->smallest_budget(to_lengths(info[1]));
  return Napi::Number::New(info.Env(), static_cast<double>(bytes));
}

Napi::Value set_session_budget(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto session = Instance::of(env).session(info[0]);
  const uint64_t bytes = to_limit(info[1], "budget");
  return PromiseWorker::start(env, [session, bytes] { return session->set_budget(bytes); });
}

// Rows of PART_FIELDS: sequence, tokens, and whose results are asked: 0 none, 1 the last, 2 all.
std::vector<SequencePart> to_parts(const Napi::Value& value) {
  constexpr size_t kFields = 3;
  const Napi::Int32Array rows = to_int32_array(value, "parts");
  std::vector<SequencePart> parts;
  for (size_t i = 0; i + kFields <= rows.ElementLength(); i += kFields) {
    const ResultRows asked = rows[i + 2] == 0   ? ResultRows::none
                             : rows[i + 2] == 1 ? ResultRows::last
                                                : ResultRows::all;
    parts.push_back({static_cast<uint32_t>(rows[i]), static_cast<uint32_t>(rows[i + 1]), asked});
  }
  return parts;
}

Napi::Value forward(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Completions& completions = Instance::of(env).completions;
  const auto session = Instance::of(env).session(info[0]);
  const Napi::Int32Array ids = to_int32_array(info[1], "ids");
  const std::vector<SequencePart> parts = to_parts(info[2]);
  Napi::Float32Array results = to_float32_array(info[3], "results");

  const auto pending = std::make_shared<PendingForward>(env, results);
  completions.expect();
  const auto report = [&completions, pending](const Status& status) {
    completions.post([pending, status](Napi::Env on) { pending->settle(on, status); });
  };
  const Status refused = session->forward({ids.Data(), ids.Data() + ids.ElementLength()}, parts,
                                          {results.Data(), results.ElementLength()}, report);
  if (!refused.ok()) report(refused);
  return pending->promise();
}

void rewind(const Napi::CallbackInfo& info) {
  const auto session = Instance::of(info.Env()).session(info[0]);
  const auto sequence = static_cast<uint32_t>(to_whole(info[1], "sequence", UINT32_MAX));
  check(info.Env(), session->rewind(sequence, to_whole(info[2], "position")));
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
  exports.Set("keepRoom", Napi::Function::New(env, keep_room));
  exports.Set("smallestBudget", Napi::Function::New(env, smallest_budget));
  exports.Set("setSessionBudget", Napi::Function::New(env, set_session_budget));
  exports.Set("forward", Napi::Function::New(env, forward));
  exports.Set("rewind", Napi::Function::New(env, rewind));
  exports.Set("reset", Napi::Function::New(env, reset));
  exports.Set("cancel", Napi::Function::New(env, cancel));
  exports.Set("closeSession", Napi::Function::New(env, close_session));
}

}  // namespace hyperion::addon
