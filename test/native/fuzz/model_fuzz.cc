// Tables of tensors that lie: what Model::create lets through can be read, each byte and each value
// of it, whatever the bytes are.
#include <algorithm>
#include <cstdlib>
#include <random>

#include "fuzz/input.h"
#include "model/model.h"
#include "model/values.h"
#include "support/fake_file.h"

namespace hyperion {
namespace {

constexpr uint64_t kFileBytes = 4096;

std::vector<ModelFile> make_files(uint64_t count, const std::vector<std::byte>& content) {
  std::vector<ModelFile> files(count);
  for (ModelFile& file : files) file.buffered = std::make_unique<FakeFile>("fake", content);
  return files;
}

std::vector<std::byte> make_content(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> content(kFileBytes);
  for (std::byte& byte : content) byte = static_cast<std::byte>(random());
  return content;
}

// All values, or as many as any element from a place on.
void read_some_values(const Model& model, size_t index, Input& input) {
  const Tensor& tensor = model.tensors()[index];
  if (tensor.dtype == DType::data) return;
  const Block block = block_of(tensor.dtype);
  const uint64_t elements = tensor.bytes / block.bytes * block.elements;
  const uint64_t first = input.chance() ? 0 : input.below(elements + 1);
  std::vector<float> values(elements - first);
  if (!read_values(model, index, first, values).ok()) std::abort();
  // One more than there are is refused.
  values.emplace_back();
  if (read_values(model, index, first, values).ok()) std::abort();
}

Tensor make_tensor(Input& input) {
  Tensor tensor;
  tensor.name = "tensor";
  tensor.file = input.chance() ? 0 : input.number();
  tensor.dtype = static_cast<DType>(input.below(static_cast<uint64_t>(DType::data) + 1));
  const Block block = block_of(tensor.dtype);
  uint64_t elements = 1;
  for (uint64_t rank = input.below(5); rank > 0; --rank) {
    const uint64_t extent = input.chance() ? input.below(4) * block.elements : input.number();
    tensor.shape.push_back(extent);
    elements *= extent;
  }
  const uint64_t bytes = elements / block.elements * block.bytes;
  tensor.bytes = input.chance() ? bytes : input.near(bytes);
  tensor.offset = input.chance() ? kFileBytes - tensor.bytes : input.near(kFileBytes - bytes);
  return tensor;
}

void fuzz(Input input) {
  std::vector<Tensor> tensors;
  const uint64_t files = input.below(3);
  const std::vector<std::byte> content = make_content(input.number());
  while (input.more() && tensors.size() < 8) tensors.push_back(make_tensor(input));
  const Result<std::shared_ptr<Model>> model = Model::create(make_files(files, content), tensors);
  if (!model.ok()) return;
  for (size_t i = 0; i < tensors.size(); ++i) {
    // No tensor is larger than the file that it lies in.
    if (tensors[i].bytes > kFileBytes) std::abort();
    std::vector<std::byte> bytes(tensors[i].bytes);
    if (!model.value()->read(i, bytes).ok()) std::abort();
    read_some_values(*model.value(), i, input);
  }
}

}  // namespace
}  // namespace hyperion

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hyperion::fuzz(hyperion::Input(data, size));
  return 0;
}
