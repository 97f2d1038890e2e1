// Blocks of allocators, allocated and freed: the calls that a program makes a million times. They
// are plain Node-API functions that take and give numbers and never throw: a refusal is the handle
// 0, a handle that names nothing a false. What is wrong then is asked for by other calls.
#include "addon/convert_memory.h"
#include "addon/functions.h"
#include "addon/instance.h"

namespace hyperion::addon {
namespace {

template <size_t N>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = N;
    void* instance = nullptr;
    napi_get_cb_info(env, info, &count, values_, nullptr, &instance);
    instance_ = static_cast<Instance*>(instance);
  }

  // NaN for what is no number.
  double number(size_t i) const {
    double value;
    return napi_get_value_double(env_, values_[i], &value) == napi_ok
               ? value
               : std::numeric_limits<double>::quiet_NaN();
  }

  UserAllocator* allocator() const { return instance_->allocators.get(number(0)); }

  // Bytes and packed options, from argument 1 on. TypeScript has checked them.
  Request request() const { return to_request(number(1), number(2)); }

  std::span<double> numbers(size_t i) const {
    napi_typedarray_type type;
    size_t length;
    void* data;
    const napi_status status =
        napi_get_typedarray_info(env_, values_[i], &type, &length, &data, nullptr, nullptr);
    if (status != napi_ok || type != napi_float64_array) return {};
    return {static_cast<double*>(data), length};
  }

 private:
  const napi_env env_;
  napi_value values_[N];
  Instance* instance_;
};

napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

napi_value flag(napi_env env, bool value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}

// A handle as JavaScript gives it; 0, which names nothing, for what cannot be one.
BlockHandle to_handle(double value) {
  return value > 0 && value < 0x1p53 ? static_cast<BlockHandle>(value) : 0;
}

napi_value allocate(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  UserAllocator* allocator = arguments.allocator();
  if (allocator == nullptr) return number(env, 0);
  return number(env, static_cast<double>((*allocator)->allocate(arguments.request())));
}

napi_value free(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  UserAllocator* allocator = arguments.allocator();
  if (allocator == nullptr) return flag(env, false);
  const BlockHandle handle = to_handle(arguments.number(1));
  allocator->detach(env, handle);
  return flag(env, (*allocator)->free(handle));
}

// allocateMany(allocator, bytes, options, sizes, handles): `bytes` for each handle, or, where that
// is 0, as `sizes` says. Returns how many were allocated.
napi_value allocate_many(napi_env env, napi_callback_info info) {
  const Arguments<5> arguments(env, info);
  UserAllocator* allocator = arguments.allocator();
  if (allocator == nullptr) return number(env, 0);
  const size_t done =
      (*allocator)->allocate_many(arguments.request(), arguments.numbers(3), arguments.numbers(4));
  return number(env, static_cast<double>(done));
}

// Returns how many were freed: all, or those before the first that names no live block.
napi_value free_many(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  UserAllocator* allocator = arguments.allocator();
  if (allocator == nullptr) return number(env, 0);
  const std::span<double> handles = arguments.numbers(1);
  if (allocator->has_views()) {
    for (const double handle : handles) allocator->detach(env, to_handle(handle));
  }
  return number(env, static_cast<double>((*allocator)->free_many(handles)));
}

void export_function(napi_env env, napi_value exports, const char* name, napi_callback function,
                     Instance* instance) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, instance, &value);
  napi_set_named_property(env, exports, name, value);
}

}  // namespace

void export_blocks(Napi::Env env, Napi::Object exports) {
  Instance* const instance = &Instance::of(env);
  Napi::Object blocks = Napi::Object::New(env);
  export_function(env, blocks, "allocate", allocate, instance);
  export_function(env, blocks, "free", free, instance);
  export_function(env, blocks, "allocateMany", allocate_many, instance);
  export_function(env, blocks, "freeMany", free_many, instance);
  exports.Set("blocks", blocks);
}

}  // namespace hyperion::addon
