// Tables of tensors that lie: what Model::create lets through can be read, each byte of it.
#include <algorithm>
#include <cstdlib>

#include "fuzz/input.h"
#include "model/model.h"
#include "support/fake_file.h"

namespace hyperion {
namespace {

constexpr uint64_t kFileBytes = 4096;

std::vector<ModelFile> make_files(uint64_t count) {
  std::vector<ModelFile> files(count);
  for (ModelFile& file : files) {
    file.buffered = std::make_unique<FakeFile>("fake", std::vector<std::byte>(kFileBytes));
  }
  return files;
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
  while (input.more() && tensors.size() < 8) tensors.push_back(make_tensor(input));
  const Result<std::shared_ptr<Model>> model = Model::create(make_files(files), tensors);
  if (!model.ok()) return;
  for (size_t i = 0; i < tensors.size(); ++i) {
    // No tensor is larger than the file that it lies in.
    if (tensors[i].bytes > kFileBytes) std::abort();
    std::vector<std::byte> bytes(tensors[i].bytes);
    if (!model.value()->read(i, bytes).ok()) std::abort();
  }
}

}  // namespace
}  // namespace hyperion

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hyperion::fuzz(hyperion::Input(data, size));
  return 0;
}
