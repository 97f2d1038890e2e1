#include "model/values.h"

#include <algorithm>

#include "base/checked.h"
#include "compute/kernels.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

// Elements that are read at one time: whole blocks of every type.
constexpr uint64_t kPiece = 16 * 1024;

Status check_range(const Tensor& tensor, uint64_t first, uint64_t count) {
  if (tensor.dtype == DType::data) {
    return Status(Code::unsupported,
                  "tensor " + tensor.name + " is of a type whose values the engine cannot tell");
  }
  const Block block = block_of(tensor.dtype);
  const uint64_t elements = tensor.bytes / block.bytes * block.elements;
  const std::optional<uint64_t> end = checked_add(first, count);
  if (end && *end <= elements) return {};
  return Status(Code::invalid, "tensor " + tensor.name + " has " + std::to_string(elements) +
                                   " elements; " + std::to_string(count) + " were asked from " +
                                   std::to_string(first));
}

}  // namespace

Status read_values(const Model& model, size_t index, uint64_t first, std::span<float> out) {
  if (Status status = model.check_index(index); !status.ok()) return status;
  const Tensor& tensor = model.tensors()[index];
  if (Status status = check_range(tensor, first, out.size()); !status.ok()) return status;

  const Block block = block_of(tensor.dtype);
  std::vector<std::byte> stored(bytes_of(tensor.dtype, kPiece));
  std::vector<float> values(kPiece);
  advise_huge_pages(std::as_writable_bytes(out));
  for (size_t done = 0; done < out.size();) {
    const uint64_t from = first + done;
    const uint64_t within = from % block.elements;
    const uint64_t wanted = std::min<uint64_t>(out.size() - done, kPiece - within);
    const uint64_t blocks = divide_up(within + wanted, block.elements);
    const std::span bytes(stored.data(), blocks * block.bytes);
    Status status = model.read_bytes(index, from / block.elements * block.bytes, bytes);
    if (!status.ok()) return status;
    const bool whole = wanted == blocks * block.elements;
    float* decoded = whole ? out.data() + done : values.data();
    kernels().to_f32(bytes.data(), tensor.dtype, blocks * block.elements, decoded);
    if (!whole) std::copy_n(decoded + within, wanted, out.data() + done);
    done += wanted;
  }
  return {};
}

}  // namespace hyperion
