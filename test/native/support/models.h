// Models in memory: tensors with seeded values, one after another in a fake file.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/model.h"
#include "support/fake_file.h"

namespace hyperion {

struct FakeModel {
  std::shared_ptr<Model> model;
  FakeFile* file;                          // owned by the model
  std::vector<std::vector<float>> values;  // of each tensor
};

class ModelBuilder {
 public:
  // Adds an f32 tensor and returns its index.
  uint32_t add(const std::string& name, std::vector<uint64_t> shape) {
    uint64_t count = 1;
    for (const uint64_t extent : shape) count *= extent;
    std::vector<float> values(count);
    for (float& value : values) value = next_value();
    const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
    tensors_.push_back({name, 0, bytes_.size(), count * 4, DType::f32, std::move(shape)});
    bytes_.insert(bytes_.end(), bytes, bytes + count * 4);
    values_.push_back(std::move(values));
    return static_cast<uint32_t>(tensors_.size() - 1);
  }

  // Leaves bytes between tensors, as a file's header does.
  void skip(size_t bytes) { bytes_.resize(bytes_.size() + bytes); }

  FakeModel build() {
    auto file = std::make_unique<FakeFile>("fake.safetensors", bytes_);
    FakeFile* const borrowed = file.get();
    std::vector<ModelFile> files;
    files.push_back({std::move(file), nullptr});
    Result<std::shared_ptr<Model>> model = Model::create(std::move(files), tensors_);
    return {model.ok() ? model.value() : nullptr, borrowed, values_};
  }

 private:
  // Near -0.5 .. 0.5, the same on every machine.
  float next_value() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<int32_t>(state_ >> 32)) * 0x1p-32f;
  }

  std::vector<Tensor> tensors_;
  std::vector<std::byte> bytes_;
  std::vector<std::vector<float>> values_;
  uint64_t state_ = 1;
};

}  // namespace hyperion
