// Models in memory: tensors with seeded values, one after another in a fake file.
#pragma once

#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/crc32.h"
#include "compute/kernels.h"
#include "model/model.h"
#include "support/blocks.h"
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
    std::vector<float> values(count(shape));
    for (float& value : values) value = next_value();
    const std::span bytes = std::as_bytes(std::span(values));
    return append({name, 0, 0, 0, DType::f32, std::move(shape)}, bytes, values);
  }

  // The same for a tensor of a quantized type.
  uint32_t add_blocks(const std::string& name, std::vector<uint64_t> shape, DType dtype) {
    std::vector<float> values(count(shape));
    const auto bytes = random_blocks(dtype, values.size() / block_of(dtype).elements, engine_);
    kernels_for("scalar")->to_f32(bytes.data(), dtype, values.size(), values.data());
    return append({name, 0, 0, 0, dtype, std::move(shape)}, bytes, values);
  }

  // The same for bytes that are not computed with, all 0.
  uint32_t add_data(const std::string& name, std::vector<uint64_t> shape) {
    const std::vector<std::byte> bytes(count(shape));
    return append({name, 0, 0, 0, DType::data, std::move(shape)}, bytes, {});
  }

  // Leaves bytes between tensors, as a file's header does.
  void skip(size_t bytes) { bytes_.resize(bytes_.size() + bytes); }

  // Gives the file the checksum of all from one tensor to the end of another.
  void check(const std::string& name, uint32_t first, uint32_t last) {
    const uint64_t begin = tensors_[first].offset;
    const uint64_t bytes = tensors_[last].offset + tensors_[last].bytes - begin;
    checksums_.push_back({name, 0, begin, bytes, crc32(std::span(bytes_).subspan(begin, bytes))});
  }

  FakeModel build() {
    auto file = std::make_unique<FakeFile>("fake.safetensors", bytes_);
    FakeFile* const borrowed = file.get();
    std::vector<ModelFile> files;
    files.push_back({std::move(file), nullptr});
    Result<std::shared_ptr<Model>> model = Model::create(std::move(files), tensors_, checksums_);
    return {model.ok() ? model.value() : nullptr, borrowed, values_};
  }

 private:
  static uint64_t count(const std::vector<uint64_t>& shape) {
    uint64_t product = 1;
    for (const uint64_t extent : shape) product *= extent;
    return product;
  }

  uint32_t append(Tensor tensor, std::span<const std::byte> bytes, std::vector<float> values) {
    tensor.offset = bytes_.size();
    tensor.bytes = bytes.size();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    tensors_.push_back(std::move(tensor));
    values_.push_back(std::move(values));
    return static_cast<uint32_t>(tensors_.size() - 1);
  }

  // Near -0.5 .. 0.5, the same on every machine.
  float next_value() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<int32_t>(state_ >> 32)) * 0x1p-32f;
  }

  std::vector<Tensor> tensors_;
  std::vector<CheckedRange> checksums_;
  std::vector<std::byte> bytes_;
  std::vector<std::vector<float>> values_;
  uint64_t state_ = 1;
  std::mt19937 engine_{1};
};

}  // namespace hyperion
