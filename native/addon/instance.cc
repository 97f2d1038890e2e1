#include "addon/instance.h"

#include "addon/convert.h"
#include "addon/errors.h"

namespace hyperion::addon {

Instance::Instance(Napi::Env env) : completions(env) {
  // Hooks run in reverse order of their registration: this one before that of `completions`, which
  // engine threads post to.
  napi_add_env_cleanup_hook(
      env, [](void* self) { static_cast<Instance*>(self)->close_all(); }, this);
}

void Instance::note_closing(const std::shared_ptr<Session>& session) {
  std::erase_if(closing_, [](const std::weak_ptr<Session>& other) { return other.expired(); });
  closing_.push_back(session);
}

void Instance::close_all() {
  for (const std::shared_ptr<Session>& session : sessions.all()) session->close();
  for (const std::weak_ptr<Session>& weak : closing_) {
    if (const std::shared_ptr<Session> session = weak.lock()) session->close();
  }
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

}  // namespace hyperion::addon
