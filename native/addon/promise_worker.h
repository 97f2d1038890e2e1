// Work that blocks, on Node's thread pool, as a promise.
#pragma once

#include <napi.h>

#include <functional>

#include "addon/errors.h"

namespace hyperion::addon {

// Deletes itself when the promise is settled.
class PromiseWorker final : public Napi::AsyncWorker {
 public:
  // Runs `work` off the JavaScript thread; the promise resolves to undefined, or rejects with the
  // status's error. `keep` is what the work writes to, kept from the garbage collector.
  static Napi::Value start(Napi::Env env, std::function<Status()> work,
                           const Napi::Object& keep = Napi::Object()) {
    auto* worker = new PromiseWorker(env, std::move(work));
    if (!keep.IsEmpty()) worker->keep_ = Napi::Persistent(keep);
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 protected:
  void Execute() override { status_ = work_(); }
  void OnOK() override {
    if (status_.ok()) {
      deferred_.Resolve(Env().Undefined());
    } else {
      deferred_.Reject(to_error(Env(), status_).Value());
    }
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  PromiseWorker(Napi::Env env, std::function<Status()> work)
      : Napi::AsyncWorker(env),
        work_(std::move(work)),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  const std::function<Status()> work_;
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference keep_;
  Status status_;
};

}  // namespace hyperion::addon
