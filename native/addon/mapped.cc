// The mapped model: parts of tensors, which pages are in memory, and views that end before their
// block does.
#include "model/mapped.h"
#include "addon/convert.h"
#include "addon/errors.h"
#include "addon/functions.h"
#include "addon/instance.h"
#include "addon/promise_worker.h"
#include "platform/pages.h"

namespace hyperion::addon {
namespace {

uint64_t to_file(const Napi::Value& value, const Model& model) {
  if (model.files() == 0) throw_invalid(value.Env(), "the model has no files");
  return to_whole(value, "file", model.files() - 1);
}

Napi::Value read_tensor_part(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Model> model = Instance::of(env).model(info[0]);
  const size_t tensor = to_whole(info[1], "tensor");
  const uint64_t first = to_whole(info[2], "first");
  Napi::Uint8Array out = to_uint8_array(info[3], "out");
  const std::span bytes(reinterpret_cast<std::byte*>(out.Data()), out.ByteLength());
  return PromiseWorker::start(env, [=] { return read_part(*model, tensor, first, bytes); }, out);
}

Napi::Value page_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(kPageSize));
}

Napi::Value file_pages(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Model> model = Instance::of(env).model(info[0]);
  const uint64_t file = to_file(info[1], *model);
  return Napi::Number::New(env, static_cast<double>(pages_of(*model, file)));
}

Napi::Value resident_pages_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Model> model = Instance::of(env).model(info[0]);
  const uint64_t file = to_file(info[1], *model);
  Napi::Uint8Array out = to_uint8_array(info[2], "out");
  const std::span pages(out.Data(), out.ByteLength());
  return PromiseWorker::start(env, [=] { return resident_pages(*model, file, pages); }, out);
}

// Handles that name no live block have no views.
void detach_block(const Napi::CallbackInfo& info) {
  const double handle = to_number(info[1], "block");
  if (handle > 0 && handle < 0x1p53) {
    Instance::of(info.Env())
        .allocator(info[0])
        .detach(info.Env(), static_cast<BlockHandle>(handle));
  }
}

}  // namespace

void export_mapped(Napi::Env env, Napi::Object exports) {
  exports.Set("readTensorPart", Napi::Function::New(env, read_tensor_part));
  exports.Set("pageBytes", Napi::Function::New(env, page_bytes));
  exports.Set("filePages", Napi::Function::New(env, file_pages));
  exports.Set("residentPages", Napi::Function::New(env, resident_pages_of));
  exports.Set("detachBlock", Napi::Function::New(env, detach_block));
}

}  // namespace hyperion::addon
