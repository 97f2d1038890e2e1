#include "addon/instance.h"

#include "addon/convert.h"
#include "addon/errors.h"

namespace hyperion::addon {

namespace {

template <typename T>
void add_live(std::vector<std::weak_ptr<T>>& all, const std::shared_ptr<T>& one) {
  std::erase_if(all, [](const std::weak_ptr<T>& other) { return other.expired(); });
  all.push_back(one);
}

template <typename T>
void close_live(const std::vector<std::weak_ptr<T>>& all) {
  for (const std::weak_ptr<T>& weak : all) {
    if (const std::shared_ptr<T> live = weak.lock()) live->close();
  }
}

}  // namespace

Instance::Instance(Napi::Env env) : completions(env) {
  // Hooks run in reverse order of their registration: this one before that of `completions`, which
  // engine threads post to.
  napi_add_env_cleanup_hook(
      env, [](void* self) { static_cast<Instance*>(self)->close_all(); }, this);
}

void Instance::note_closing(const std::shared_ptr<Session>& session) {
  add_live(closing_, session);
}

void Instance::note_closing(const std::shared_ptr<Loader>& loader) {
  add_live(closing_loaders_, loader);
}

void Instance::close_all() {
  for (const std::shared_ptr<Session>& session : sessions.all()) session->close();
  for (const std::shared_ptr<UserLoader>& loader : loaders.all()) loader->get()->close();
  close_live(closing_);
  close_live(closing_loaders_);
}

std::shared_ptr<Model> Instance::model(const Napi::Value& handle) const {
  std::shared_ptr<Model> model = models.find(to_number(handle, "model"));
  if (model == nullptr) check(handle.Env(), Status(Code::closed, "the model is closed"));
  return model;
}

std::shared_ptr<Session> Instance::session(const Napi::Value& handle) const {
  std::shared_ptr<Session> session = sessions.find(to_number(handle, "session"));
  if (session == nullptr) check(handle.Env(), Status(Code::closed, "the session is closed"));
  return session;
}

UserAllocator& Instance::allocator(const Napi::Value& handle) const {
  UserAllocator* allocator = allocators.get(to_number(handle, "allocator"));
  if (allocator == nullptr) check(handle.Env(), Status(Code::closed, "the allocator is closed"));
  return *allocator;
}

UserLoader& Instance::loader(const Napi::Value& handle) const {
  UserLoader* loader = loaders.get(to_number(handle, "loader"));
  if (loader == nullptr) check(handle.Env(), Status(Code::closed, "the loader is closed"));
  return *loader;
}

}  // namespace hyperion::addon
