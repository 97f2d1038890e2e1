#include "model/mapped.h"

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {

Status read_part(const Model& model, size_t index, uint64_t first, std::span<std::byte> out) {
  if (Status status = model.check_index(index); !status.ok()) return status;
  const Tensor& tensor = model.tensors()[index];
  if (first > tensor.bytes || out.size() > tensor.bytes - first) {
    return Status(Code::invalid, "tensor " + tensor.name + " has " + std::to_string(tensor.bytes) +
                                     " bytes; " + std::to_string(out.size()) + " were asked from " +
                                     std::to_string(first) + " on");
  }
  return model.read_bytes(index, first, out);
}

uint64_t pages_of(const Model& model, uint64_t file) {
  return round_up(model.file(file, Access::buffered).size(), kPageSize) / kPageSize;
}

Status resident_pages(const Model& model, uint64_t file, std::span<uint8_t> out) {
  if (out.size() != pages_of(model, file)) {
    return Status(Code::invalid, "the file has " + std::to_string(pages_of(model, file)) +
                                     " pages, the array " + std::to_string(out.size()));
  }
  return model.file(file, Access::buffered).resident_pages(0, out);
}

}  // namespace hyperion
