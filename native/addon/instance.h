// What one environment (the main thread, a worker) has of the addon. It ends with the environment:
// sessions that are still open are closed before anything they report to is gone.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "addon/completions.h"
#include "addon/handles.h"
#include "addon/user_allocator.h"
#include "addon/user_loader.h"
#include "inference/session.h"
#include "model/model.h"

namespace hyperion::addon {

class Instance {
 public:
  explicit Instance(Napi::Env env);

  HandleTable<Model> models{1};
  HandleTable<Session> sessions{2};
  HandleTable<UserAllocator> allocators{3};
  HandleTable<UserLoader> loaders{0};
  Completions completions;

  // Remember what a worker is closing, so that the environment's end waits for it too.
  void note_closing(const std::shared_ptr<Session>& session);
  void note_closing(const std::shared_ptr<Loader>& loader);

  // CLOSED for handles that are stale or were never given out; INVALID for values that are no
  // numbers.
  std::shared_ptr<Model> model(const Napi::Value& handle) const;
  std::shared_ptr<Session> session(const Napi::Value& handle) const;
  UserAllocator& allocator(const Napi::Value& handle) const;
  UserLoader& loader(const Napi::Value& handle) const;

  static Instance& of(Napi::Env env) { return *env.GetInstanceData<Instance>(); }

 private:
  void close_all();
  std::vector<std::weak_ptr<Session>> closing_;
  std::vector<std::weak_ptr<Loader>> closing_loaders_;
};

}  // namespace hyperion::addon
